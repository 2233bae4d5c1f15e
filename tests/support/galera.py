"""A Galera cluster of two MariaDB nodes on loopback: both may be written, at the same time.

    with GaleraCluster() as cluster:
        first, second = cluster.databases()     # the same database, seen from either node
        first.execute("UPDATE ...")             # conflicts with the second's are found at COMMIT
        first.url, second.url                   # for dsfailover
        cluster.nodes[1].kill(); cluster.nodes[1].start()

A handle reads what either node committed before (wsrep_sync_wait); dsfailover's connections are
its own affair.
"""

from . import databases
from .servers import HOST, MariaDB, free_port

PROVIDER = "/usr/lib/galera/libgalera_smm.so"


class GaleraNode(MariaDB):
    name = "galera"

    def __init__(self, peer=None):
        """Without `peer` the node founds the cluster; else it joins, with a copy of the data."""
        super().__init__()
        self.group_port = free_port()
        self._transfer_port, self._copy_port = free_port(), free_port()
        self.peer = peer

    def command(self):
        options = (f"gmcast.listen_addr=tcp://{HOST}:{self.group_port};"
                   f"ist.recv_addr={HOST}:{self._transfer_port};gcache.size=64M;"
                   "evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.2S;"
                   "evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S")
        others = f"{HOST}:{self.peer.group_port}" if self.peer else ""
        return [*super().command(), "--wsrep-on=ON", f"--wsrep-provider={PROVIDER}",
                f"--wsrep-provider-options={options}", f"--wsrep-cluster-address=gcomm://{others}",
                "--wsrep-cluster-name=test", f"--wsrep-node-address={HOST}",
                f"--wsrep-node-name=node{self.port}", "--wsrep-sst-method=rsync",
                f"--wsrep-sst-receive-address={HOST}:{self._copy_port}",
                "--binlog-format=ROW", "--default-storage-engine=InnoDB",
                "--innodb-autoinc-lock-mode=2", "--wsrep-slave-threads=2"]

    def answers(self):
        return self.status("wsrep_ready") == "ON" and super().answers()

    def status(self, name):
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute("show global status like %s", [name])
            value = cursor.fetchone()
        connection.close()
        return value[1] if value else None

    def connect(self, database, autocommit=True):
        connection = super().connect(database, autocommit)
        with connection.cursor() as cursor:
            cursor.execute("set session wsrep_sync_wait = 7")
        return connection


class GaleraCluster:
    def __init__(self):
        first = GaleraNode()
        self.nodes = [first, GaleraNode(peer=first)]

    def __enter__(self):
        try:
            for node in self.nodes:
                node.start()
        except BaseException:
            self.close()
            raise
        # From now on it finds the cluster again, whichever of the two went.
        self.nodes[0].peer = self.nodes[1]
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for node in reversed(self.nodes):
            node.close()

    def databases(self, release="3.3.0"):
        """A new database with DolphinScheduler's tables, as a handle at each node."""
        first = databases.Mysql(self.nodes[0], release)
        return [first, databases.Mysql(self.nodes[1], database=first.database)]
