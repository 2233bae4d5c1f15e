"""Real servers for the tests, each on a free loopback port with a data folder of its own.

    with PostgreSQL() as server:
        database = server.create_database()
        server.url(database)        # postgresql://ds@127.0.0.1:PORT/DATABASE
        server.restart()            # same port, same data
        server.kill(); server.start()
        server.pause(); server.resume()

A server ends with its `with` block; with the interpreter (atexit); and with this process, however
that ends: the kernel kills the servers when their parent dies (PR_SET_PDEATHSIG). They keep what
was committed when they are killed, though not when the machine is. Nothing here needs to be root;
as root, PostgreSQL and MariaDB run as their own users, as they insist on.
"""

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .proxy import Proxy

HOST = "127.0.0.1"
USER = "ds"
# Appears in no report, log or message: cluster.run() looks for it in everything that is printed.
PASSWORD = "s3cret-of-ds"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_running = set()


def free_port():
    """A port nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class ServerFailed(Exception):
    """A server did not start or did not answer; the message ends with its log's last lines."""


class Server:
    """What all servers have in common. Subclasses say how to prepare, start and ask them."""

    name = "server"
    run_as = ()  # users to run as when we are root, the first that exists
    death_signal = signal.SIGKILL
    stop_signal = signal.SIGTERM
    start_timeout = 60

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix=f"dsfailover-{self.name}-", dir="/tmp")
        self.port = free_port()
        self.process = None
        self.user = None
        if os.geteuid() == 0:
            self.user = next((u for u in map(_user, self.run_as) if u), None)
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._prepared = False

    # -- what a subclass provides

    def prepare(self):
        """Makes the data folder; called once, before the first start."""

    def command(self):
        raise NotImplementedError

    def answers(self):
        """True when the server answers a request; may raise anything until then."""
        raise NotImplementedError

    # -- life and death

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Starts the server, or starts it again on its old port and data, and waits for it."""
        _running.add(self)
        if not self._prepared:
            self.prepare()
            self._prepared = True
        for attempt in range(5):
            with open(self.log_file, "ab") as log:
                self.process = subprocess.Popen(
                    self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd=self.folder, env=self._environment(), start_new_session=True,
                    preexec_fn=self._become)
            try:
                self.wait_ready()
                return self
            except ServerFailed:
                # Somebody took the port, or (PostgreSQL killed) remains are still going away.
                if self.process.poll() is None or attempt == 4:
                    self._signal_all(signal.SIGKILL)
                    raise
                time.sleep(0.5)
        raise AssertionError("not reached")

    def wait_ready(self, timeout=None):
        """Returns once the server answers; raises ServerFailed if it ends or stays silent."""
        end = time.monotonic() + (timeout or self.start_timeout)
        problem = "no answer"
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.name} ended with {self.process.returncode}\n{self.log(20)}")
            try:
                if self.answers():
                    return
            except Exception as error:  # whatever its client raises while it starts
                problem = str(error)
            time.sleep(0.05)
        raise ServerFailed(f"{self.name} on port {self.port}: {problem}\n{self.log(20)}")

    def stop(self):
        """Stops it in its own orderly way; its data stays."""
        if self.process is None:
            return
        self.resume()
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self):
        """SIGKILL, children included; its data stays as it is at that moment."""
        if self.process is None:
            return
        self._signal_all(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        """SIGSTOP: the port stays open and nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def close(self):
        """Ends the server and removes its data."""
        try:
            self.kill()
        finally:
            _running.discard(self)
            shutil.rmtree(self.folder, ignore_errors=True)

    def require_running(self):
        """Raises ServerFailed, with the log, if it ended though nobody here ended it."""
        if self.process is not None and self.process.poll() is not None:
            raise ServerFailed(f"{self.name} ended by itself, with {self.process.returncode}\n{self.log(60)}")

    # -- for tests

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    @property
    def log_file(self):
        return os.path.join(self.folder, "log")

    def log(self, lines=50):
        try:
            with open(self.log_file, errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""

    # -- inside

    def _environment(self):
        # TMPDIR: a MariaDB that starts deletes what others of its kind have there under way.
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8",
                "TZ": "UTC", "HOME": self.folder, "TMPDIR": self.folder}

    def _become(self):
        """Runs in the child: another user, and dead when this process is."""
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        # After setuid, which clears it.
        _libc.prctl(_PR_SET_PDEATHSIG, int(self.death_signal))

    def _run(self, command, **options):
        """Runs a preparing command as the server's user."""
        done = subprocess.run(command, cwd=self.folder, env=self._environment(),
                              preexec_fn=self._become, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120, check=False, **options)
        if done.returncode != 0:
            raise ServerFailed(f"{command[0]} ended with {done.returncode}\n{done.stdout}")

    def _signal_all(self, number):
        if self.process is None or self.process.poll() is not None:
            return
        # The parent first when stopping, so that it cannot start others meanwhile.
        for pid in [self.process.pid, *_descendants(self.process.pid)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


class ZooKeeper(Server):
    name = "zookeeper"
    # Containers go within a second after their last child, sessions may be as short as a second.
    _properties = {
        "zookeeper.admin.enableServer": "false",
        "zookeeper.4lw.commands.whitelist": "*",
        "zookeeper.forceSync": "no",
        "znode.container.checkIntervalMs": "1000",
        "znode.container.maxPerMinute": "1000000",
        "jute.maxbuffer": str(256 << 20),
        "java.awt.headless": "true",
    }

    def __init__(self, longest_session_ms=60000):
        """A session ends at most `longest_session_ms` after its client died."""
        super().__init__()
        self._longest_session_ms = longest_session_ms

    def prepare(self):
        with open(os.path.join(self.folder, "zoo.cfg"), "w", encoding="ascii") as config:
            config.write(f"dataDir={self.folder}/data\nclientPort={self.port}\n"
                         f"clientPortAddress={HOST}\ntickTime=500\n"
                         f"maxSessionTimeout={self._longest_session_ms}\n"
                         "maxClientCnxns=0\nsnapCount=1000000\npreAllocSize=1024\n")

    def command(self):
        return ["java", "-Xms32m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                *(f"-D{key}={value}" for key, value in self._properties.items()),
                "-cp", "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                os.path.join(self.folder, "zoo.cfg")]

    def answers(self):
        return self.four_letters("ruok") == "imok" and "Mode:" in self.four_letters("srvr")

    def four_letters(self, word):
        """The answer to one of ZooKeeper's four letter words (ruok, cons, dump, ...)."""
        with socket.create_connection((HOST, self.port), 5) as connection:
            connection.sendall(word.encode())
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.decode()

    def url(self, namespace="/dolphinscheduler"):
        return f"zookeeper://{self.address}{namespace}"


class ZooKeeperMember(ZooKeeper):
    """One of an ensemble; it answers once a majority of them runs."""

    def __init__(self, number):
        super().__init__()
        self.number = number
        self.quorum_port, self.election_port = free_port(), free_port()
        self.peers = {}  # number: (quorum port, election port), as this one reaches them
        self.awaits_others = True

    def prepare(self):
        super().prepare()
        with open(os.path.join(self.folder, "zoo.cfg"), "a", encoding="ascii") as config:
            config.write("initLimit=20\nsyncLimit=20\n")
            for number, (quorum, election) in sorted(self.peers.items()):
                config.write(f"server.{number}={HOST}:{quorum}:{election}\n")
        os.makedirs(f"{self.folder}/data", exist_ok=True)
        with open(f"{self.folder}/data/myid", "w", encoding="ascii") as myid:
            myid.write(str(self.number))

    def answers(self):
        return not self.awaits_others or super().answers()

    @property
    def leads(self):
        return "Mode: leader" in self.four_letters("srvr")


class ZooKeeperEnsemble:
    """Three ZooKeepers. The first reaches the quorum ports of the others through proxies, so that
    it can be cut off from its leader while its clients still reach it.

        with ZooKeeperEnsemble() as ensemble:
            ensemble.cut_off()          # nothing of the leader's comes through to the first
            ensemble.members[0].url()   # that one alone
            ensemble.leader().kill()
    """

    def __init__(self):
        self.members = [ZooKeeperMember(number) for number in (1, 2, 3)]
        self._proxies = {member.number: Proxy(HOST, member.quorum_port) for member in self.members[1:]}
        for member in self.members:
            for other in self.members:
                proxy = self._proxies.get(other.number) if member.number == 1 else None
                member.peers[other.number] = (proxy.port if proxy else other.quorum_port, other.election_port)

    def __enter__(self):
        for member in self.members:  # none answers before the second runs
            member.awaits_others = False
            member.start()
            member.awaits_others = True
        for member in self.members:
            member.wait_ready()
        assert not self.members[0].leads, "the highest number of those that start together leads"
        return self

    def __exit__(self, *_):
        for member in self.members:
            member.close()
        for proxy in self._proxies.values():
            proxy.close()

    def cut_off(self):
        """Packets to and from the first stay where they are; its connections stay open."""
        for proxy in self._proxies.values():
            proxy.freeze()

    def rejoin(self):
        for proxy in self._proxies.values():
            proxy.thaw()

    def leader(self):
        return next(member for member in self.members if member.process and member.leads)

    @property
    def address(self):
        return ",".join(member.address for member in self.members)

    def url(self, namespace="/dolphinscheduler"):
        return f"zookeeper://{self.address}{namespace}"


class Etcd(Server):
    name = "etcd"

    def __init__(self):
        super().__init__()
        self._peer_port = free_port()

    def command(self):
        return ["etcd", "--name", "test", "--data-dir", f"{self.folder}/data",
                "--listen-client-urls", f"http://{self.address}",
                "--advertise-client-urls", f"http://{self.address}",
                "--listen-peer-urls", f"http://{HOST}:{self._peer_port}",
                "--initial-advertise-peer-urls", f"http://{HOST}:{self._peer_port}",
                "--initial-cluster", f"test=http://{HOST}:{self._peer_port}",
                "--logger", "zap", "--log-level", "warn"]

    def answers(self):
        request = f"GET /health HTTP/1.0\r\nHost: {self.address}\r\n\r\n".encode()
        with socket.create_connection((HOST, self.port), 5) as connection:
            connection.sendall(request)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        return b'"health":"true"' in answer

    def url(self, namespace="dolphinscheduler"):
        return f"etcd://{self.address}/{namespace}"

    def etcdctl(self, *arguments, check=True, text=None):
        """What etcdctl prints for these arguments."""
        done = subprocess.run(["etcdctl", f"--endpoints={self.address}", *arguments], input=text,
                              env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "ETCDCTL_API": "3"},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30,
                              check=False)
        if check and done.returncode != 0:
            raise ServerFailed(f"etcdctl {arguments}: {done.stderr}")
        return done.stdout


class SqlServer(Server):
    """A database server with the user `ds`, who may do everything, and databases by number."""

    scheme = ""
    type = ""

    def __init__(self):
        super().__init__()
        self._databases = 0

    def admin(self, database=None):
        """A connection of Python's own client as the server's superuser, autocommit."""
        raise NotImplementedError

    def connect(self, database, autocommit=True):
        """A connection of Python's own client as `ds`."""
        raise NotImplementedError

    def create_database(self, sql=None, template=None):
        """A new database of `ds`, with the statements of `sql` run in it; returns its name.
        `template` is a database to copy (PostgreSQL only, and nobody may be connected to it)."""
        self.require_running()
        self._databases += 1
        name = f"ds_{os.getpid()}_{self._databases}"
        self._create_database(name, template)
        if sql:
            self.load_sql(name, sql)
        return name

    def drop_database(self, name):
        raise NotImplementedError

    def load_sql(self, database, sql):
        """Runs a script (text) as `ds`."""
        raise NotImplementedError

    def url(self, database):
        return f"{self.scheme}://{USER}@{self.address}/{database}"

    def conformance(self, database):
        return f"{HOST}:{self.port}:{USER}:{PASSWORD}:{database}"

    def _create_database(self, name, template):
        raise NotImplementedError


class PostgreSQL(SqlServer):
    name = "postgresql"
    scheme = "postgresql"
    type = "postgresql"
    run_as = ("postgres", "nobody")
    death_signal = signal.SIGQUIT  # the postmaster takes its children with it
    stop_signal = signal.SIGINT
    bin = "/usr/lib/postgresql/15/bin"

    def prepare(self):
        self._run([f"{self.bin}/initdb", "-D", f"{self.folder}/data", "-U", "postgres",
                   "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8",
                   "--locale=C.UTF-8", "--no-sync"])

    def command(self):
        settings = {"fsync": "off", "full_page_writes": "off",
                    "max_connections": "200", "listen_addresses": HOST, "port": self.port,
                    "unix_socket_directories": self.folder, "shared_buffers": "64MB",
                    "timezone": "UTC", "log_line_prefix": "%m [%p] %a ", "max_wal_size": "4GB",
                    "autovacuum_naptime": "5min"}
        return [f"{self.bin}/postgres", "-D", f"{self.folder}/data",
                *(part for key, value in settings.items() for part in ("-c", f"{key}={value}"))]

    def answers(self):
        with self.admin() as connection, connection.cursor() as cursor:
            cursor.execute("select 1 from pg_roles where rolname = %s", [USER])
            if not cursor.fetchall():
                cursor.execute(f"create role {USER} login superuser password %s", [PASSWORD])
        connection.close()
        return True

    def admin(self, database=None):
        import psycopg2
        connection = psycopg2.connect(host=self.folder, port=self.port, user="postgres",
                                      dbname=database or "postgres", connect_timeout=5)
        connection.autocommit = True
        return connection

    def connect(self, database, autocommit=True):
        import psycopg2
        connection = psycopg2.connect(host=HOST, port=self.port, user=USER, password=PASSWORD,
                                      dbname=database, connect_timeout=5)
        connection.autocommit = autocommit
        return connection

    def load_sql(self, database, sql):
        connection = self.connect(database)
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    def drop_database(self, name):
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute(f'drop database if exists "{name}" with (force)')
        connection.close()

    def _create_database(self, name, template):
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute(f'create database "{name}" owner {USER} template "{template or "template1"}"')
        connection.close()


class MariaDB(SqlServer):
    name = "mariadb"
    scheme = "mysql"
    type = "mysql"
    run_as = ("mysql", "nobody")

    def prepare(self):
        self._run(["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data",
                   "--auth-root-authentication-method=normal", "--skip-test-db",
                   "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=8M"])

    def command(self):
        return ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.folder}/data",
                f"--port={self.port}", f"--bind-address={HOST}", f"--socket={self.folder}/socket",
                f"--pid-file={self.folder}/pid", "--skip-name-resolve", "--skip-log-bin",
                "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=128M",
                "--innodb-log-file-size=8M", "--innodb-flush-method=nosync",
                "--max-connections=200", "--default-time-zone=+00:00", "--max-allowed-packet=64M",
                "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"]

    def answers(self):
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute("select 1 from mysql.global_priv where user = %s", [USER])
            if not cursor.fetchall():
                cursor.execute(f"create user {USER}@'%%' identified by %s", [PASSWORD])
                cursor.execute(f"grant all on *.* to {USER}@'%' with grant option")
        connection.close()
        return True

    def admin(self, database=None):
        import pymysql
        return pymysql.connect(unix_socket=f"{self.folder}/socket", user="root", autocommit=True,
                               database=database, connect_timeout=5, charset="utf8mb4")

    def connect(self, database, autocommit=True):
        import pymysql
        return pymysql.connect(host=HOST, port=self.port, user=USER, password=PASSWORD,
                               database=database, autocommit=autocommit, connect_timeout=5,
                               charset="utf8mb4")

    def load_sql(self, database, sql):
        import pymysql
        connection = pymysql.connect(
            host=HOST, port=self.port, user=USER, password=PASSWORD, database=database,
            autocommit=True, charset="utf8mb4",
            client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
        with connection.cursor() as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass
        connection.close()

    def drop_database(self, name):
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute("set lock_wait_timeout = 10")
            cursor.execute(f"drop database if exists `{name}`")
        connection.close()

    def _create_database(self, name, template):
        if template:
            raise ValueError("MariaDB copies no databases")
        connection = self.admin()
        with connection.cursor() as cursor:
            cursor.execute(f"create database `{name}`")
        connection.close()


def _user(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _descendants(pid):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                    parent = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found, queue = [], [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


@atexit.register
def _close_all():
    for server in list(_running):
        server.close()
