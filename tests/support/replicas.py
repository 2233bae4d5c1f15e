"""Servers that follow another one.

    with HotStandby(postgresql) as standby:     # of everything that is on that server
        standby.lag()                           # from now on it shows what was there until now
    with ReplicatedMariaDB() as primary, MariaDBReplica(primary) as replica:
        replica.lag()
"""

from .servers import HOST, PASSWORD, USER, MariaDB, PostgreSQL


class HotStandby(PostgreSQL):
    name = "standby"

    def __init__(self, primary):
        super().__init__()
        self._primary = primary

    def prepare(self):
        self._run([f"{self.bin}/pg_basebackup", "-D", f"{self.folder}/data", "-R", "-X", "stream",
                   "--checkpoint=fast", "--no-sync", "-h", self._primary.folder,
                   "-p", str(self._primary.port), "-U", "postgres"])

    def answers(self):
        with self.admin() as connection, connection.cursor() as cursor:
            cursor.execute("select pg_is_in_recovery()")
            in_recovery = cursor.fetchone()[0]
        connection.close()
        return in_recovery

    def lag(self):
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute("select pg_wal_replay_pause()")
        connection.close()


class ReplicatedMariaDB(MariaDB):
    """One that writes a log for replicas."""

    def command(self):
        return [*super().command(), f"--log-bin={self.folder}/data/log", "--server-id=1"]


class MariaDBReplica(MariaDB):
    name = "replica"

    def __init__(self, primary):
        super().__init__()
        self._primary = primary

    def command(self):
        return [*super().command(), "--server-id=2"]

    def start(self):
        first = not self._prepared
        super().start()
        if first:
            self._follow()
        return self

    def lag(self):
        self._execute("stop slave sql_thread")

    def _follow(self):
        connection = self._primary.admin()
        with connection.cursor() as cursor:
            cursor.execute("select @@gtid_binlog_pos")
            position = cursor.fetchone()[0]
        connection.close()
        self._execute(f"set global gtid_slave_pos = '{position}'",
                      f"change master to master_host = '{HOST}', master_port = {self._primary.port},"
                      f" master_user = '{USER}', master_password = '{PASSWORD}',"
                      " master_use_gtid = slave_pos, master_connect_retry = 1",
                      "start slave")

    def _execute(self, *statements):
        connection = self.admin()
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()
