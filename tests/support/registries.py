"""DolphinScheduler's registry as another client sees it: kazoo, etcd's JSON gateway, SQL.

The three clients have the same methods. Paths are the reference's, relative to the namespace.
"""

import base64
import itertools
import json
import random
import threading
import time
import uuid

import requests
from kazoo.client import KazooClient
from kazoo.exceptions import NodeExistsError, NoNodeError
from kazoo.protocol.serialization import Create2
from kazoo.security import OPEN_ACL_UNSAFE

from . import databases

MASTERS = "/nodes/master"
WORKERS = "/nodes/worker"
MARKS = "/nodes/failover-finish-nodes"
LOCKS = "/lock/master-failover"
STAMPS = "/dsfailover/stamps"
RUNS = "/dsfailover/runs"

_numbers = itertools.count(1)


def now_ms():
    return time.time_ns() // 1_000_000


def heartbeat(address, startup_time, process_id, status="NORMAL", worker=False, report_time=None):
    """The JSON that a living master or worker writes of itself."""
    host, _, port = address.rpartition(":")
    beat = {"processId": process_id, "startupTime": startup_time,
            "reportTime": report_time or now_ms(), "jvmCpuUsage": 0.01, "cpuUsage": 0.02,
            "jvmMemoryUsage": -7.4297464E7, "memoryUsage": 0.03, "diskUsage": 0.69,
            "serverStatus": status, "host": host.strip("[]"), "port": int(port)}
    if worker:
        beat |= {"workerHostWeight": 100, "threadPoolUsage": 0.0, "workerGroup": "default"}
    return json.dumps(beat, separators=(",", ":"))


class Server:
    """A master or worker that lives in the registry, in a session of its own."""

    def __init__(self, registry, address, startup_time, process_id, worker, status, value):
        self.address = address
        self.startup_time = startup_time
        self.process_id = process_id
        self.path = f"{WORKERS if worker else MASTERS}/{address}"
        self.session = registry.session()
        self.session.put_ephemeral(
            self.path, value if value is not None
            else heartbeat(address, startup_time, process_id, status, worker))

    def leave(self):
        """The node goes, as when the process dies; with it the session and its locks."""
        self.session.end()


class Registry:
    """What the three have in common."""

    def register(self, address, startup_time=None, process_id=None, worker=False, status="NORMAL",
                 value=None):
        """A living server. `value` replaces its heartbeat."""
        return Server(self, address, startup_time or now_ms() - 3_600_000,
                      process_id or random.randrange(1000, 30000), worker, status, value)

    def marks(self):
        """{name: value} of the marks folder."""
        return self.folder(MARKS)

    def mark(self, name, value):
        self.put(f"{MARKS}/{name}", str(value))

    def stamps(self, address):
        """The stamps of an address, in the order written."""
        value = self.get(f"{STAMPS}/{address}")
        return [int(stamp.split("|")[0]) for stamp in value.split(",")] if value else []

    def snapshot(self):
        """Everything below the namespace, {path: value}, to compare before with after."""
        raise NotImplementedError

    def lock(self, address, session=None):
        """Takes the failover lock of an address as a master does, or queues for it."""
        raise NotImplementedError

    def locked(self, address):
        """Whether anybody holds or wants the failover lock of an address."""
        raise NotImplementedError


class CreateContainer(Create2):
    type = 19


class ZooKeeperSession:
    """A ZooKeeper session, by kazoo."""

    def __init__(self, registry, timeout=10.0, auth=None):
        self.registry = registry
        self.client = KazooClient(registry.server.address, timeout=timeout,
                                  auth_data=[auth] if auth else None,
                                  connection_retry={"max_tries": -1, "delay": 0.1, "max_delay": 0.5},
                                  command_retry={"max_tries": 50, "delay": 0.1, "max_delay": 0.5})
        self.client.start(20)

    @property
    def id(self):
        return self.client.client_id[0]

    def put_ephemeral(self, path, value):
        self.client.create(self.registry.full(path), value.encode(), ephemeral=True, makepath=True)

    def end(self):
        self.client.stop()
        self.client.close()


class CuratorLock:
    """InterProcessMutex as Curator 5 speaks it."""

    def __init__(self, registry, address, session=None):
        self.registry = registry
        self.folder = registry.full(f"{LOCKS}/{address}")
        self.own = session is None
        self.session = session or registry.session()
        self.node = None
        self.queue()

    def queue(self):
        client = self.session.client
        name = f"{self.folder}/_c_{uuid.uuid4()}-lock-"
        while self.node is None:
            try:
                self.node = client.create(name, b"127.0.1.9", ephemeral=True, sequence=True)
            except NoNodeError:
                self.registry.make_containers(self.folder)
        return self

    def holds(self):
        children = self.session.client.get_children(self.folder)
        order = sorted(children, key=lambda name: name.rpartition("lock-")[2])
        return order and order[0] == self.node.rpartition("/")[2]

    def wait(self, timeout=20):
        end = time.monotonic() + timeout
        while not self.holds():
            assert time.monotonic() < end, "the lock did not come"
            time.sleep(0.02)
        return self

    def release(self):
        try:
            self.session.client.delete(self.node)
        except NoNodeError:
            pass
        self.close()

    def close(self):
        if self.own:
            self.session.end()


class ZooKeeper(Registry):
    type = "zookeeper"
    environment = {}

    def __init__(self, server, namespace=None):
        self.server = server
        self.namespace = namespace or f"/ds-{next(_numbers)}-{uuid.uuid4().hex[:6]}"
        self._own = ZooKeeperSession(self)
        self.client = self._own.client
        for folder in (MASTERS, WORKERS, MARKS):
            self.client.ensure_path(self.full(folder))

    @property
    def url(self):
        return self.server.url(self.namespace)

    def full(self, path):
        return self.namespace + path

    def session(self, **options):
        return ZooKeeperSession(self, **options)

    def get(self, path):
        try:
            return self.client.retry(self.client.get, self.full(path))[0].decode()
        except NoNodeError:
            return None

    def put(self, path, value):
        try:
            self.client.create(self.full(path), value.encode(), makepath=True)
        except NodeExistsError:
            self.client.set(self.full(path), value.encode())

    def delete(self, path):
        self.client.delete(self.full(path), recursive=True)

    def folder(self, path):
        try:
            names = self.client.retry(self.client.get_children, self.full(path))
        except NoNodeError:
            return {}
        reads = {name: self.client.get_async(self.full(f"{path}/{name}")) for name in names}
        found = {}
        for name, read in reads.items():
            try:
                found[name] = read.get(30)[0].decode(errors="replace")
            except NoNodeError:
                pass
        return found

    def put_many(self, folder, values):
        self.client.ensure_path(self.full(folder))
        items = list(values.items())
        for start in range(0, len(items), 500):
            request = self.client.transaction()
            for name, value in items[start:start + 500]:
                request.create(self.full(f"{folder}/{name}"), value.encode())
            request.commit()

    def snapshot(self):
        found = {}

        def visit(path):
            try:
                value, stat = self.client.get(path)
                children = self.client.get_children(path)
            except NoNodeError:
                return
            # The containers of locks look like other nodes and go with the server's own cleaning.
            if "-lock-" in path or not path.startswith(self.full("/lock")):
                found[path] = (value, stat.mzxid)
            for child in children:
                visit(f"{path}/{child}")

        visit(self.namespace)
        return found

    def make_containers(self, path):
        for end in range(2, len(path.split("/")) + 1):
            part = "/".join(path.split("/")[:end])
            result = self.client.handler.async_result()
            self.client._call(CreateContainer(part, b"", OPEN_ACL_UNSAFE, 4), result)
            try:
                result.get(10)
            except (NodeExistsError, NoNodeError):
                pass

    def lock(self, address, session=None):
        return CuratorLock(self, address, session)

    def locked(self, address):
        return bool(self.folder(f"{LOCKS}/{address}"))

    def close(self):
        """What was written stays: the namespace is nobody else's, and the server goes soon."""
        self._own.end()


class EtcdSession:
    """A lease, kept alive."""

    def __init__(self, registry, ttl=30):
        self.registry = registry
        self.id = int(registry.call("lease/grant", TTL=ttl)["ID"])
        self._ended = threading.Event()
        threading.Thread(target=self._keep_alive, args=(ttl / 3,), daemon=True).start()

    def _keep_alive(self, interval):
        while not self._ended.wait(interval):
            try:
                self.registry.call("lease/keepalive", ID=self.id)
            except requests.RequestException:
                pass  # the server is down: that is what the test is about

    def put_ephemeral(self, path, value):
        self.registry.call("kv/put", key=_base64(self.registry.full(path)), value=_base64(value),
                           lease=self.id)

    def end(self):
        self._ended.set()
        self.registry.call("lease/revoke", ID=self.id)


class EtcdLock:
    def __init__(self, registry, address, session=None):
        self.own = session is None
        self.session = session or registry.session()
        self.registry = registry
        self.key = None
        self._thread = threading.Thread(
            target=self._take, args=(registry.full(f"{LOCKS}/{address}"),), daemon=True)
        self._thread.start()

    def _take(self, name):
        self.key = self.registry.call("lock/lock", timeout=120, name=_base64(name),
                                      lease=self.session.id)["key"]

    def holds(self):
        return self.key is not None

    def wait(self, timeout=20):
        self._thread.join(timeout)
        assert self.holds(), "the lock did not come"
        return self

    def release(self):
        self.registry.call("lock/unlock", key=self.key)
        self.close()

    def close(self):
        if self.own:
            self.session.end()


class Etcd(Registry):
    type = "etcd"
    environment = {}

    def __init__(self, server, namespace=None):
        self.server = server
        self.namespace = namespace or f"ds-{next(_numbers)}-{uuid.uuid4().hex[:6]}"
        for folder in (MASTERS, WORKERS, MARKS):
            self.put(folder, "")

    @property
    def url(self):
        return self.server.url(self.namespace)

    def full(self, path):
        return self.namespace + path

    def session(self, **options):
        return EtcdSession(self, **options)

    def call(self, method, timeout=20, **body):
        answer = requests.post(f"http://{self.server.address}/v3/{method}", json=body,
                               timeout=timeout)
        answer.raise_for_status()
        # A stream (keepalive) answers line by line.
        return json.loads(answer.text.splitlines()[0])

    def get(self, path):
        found = self.call("kv/range", key=_base64(self.full(path))).get("kvs")
        return _text(found[0].get("value", "")) if found else None

    def put(self, path, value):
        self.call("kv/put", key=_base64(self.full(path)), value=_base64(value))

    def delete(self, path):
        self.call("kv/deleterange", key=_base64(self.full(path)))

    def folder(self, path):
        prefix = self.full(path) + "/"
        return {key[len(prefix):]: value for key, value in self._range(prefix).items()
                if "/" not in key[len(prefix):]}

    def put_many(self, folder, values):
        for name, value in values.items():
            self.put(f"{folder}/{name}", value)

    def snapshot(self):
        return self._range(self.namespace)

    def lock(self, address, session=None):
        return EtcdLock(self, address, session)

    def locked(self, address):
        return bool(self.folder(f"{LOCKS}/{address}"))

    def close(self):
        self.call("kv/deleterange", key=_base64(self.namespace),
                  range_end=_base64(self.namespace + "\x7f"))

    def _range(self, prefix):
        found = self.call("kv/range", key=_base64(prefix), range_end=_base64(prefix + "\x7f"))
        return {_text(each["key"]): _text(each.get("value", "")) for each in found.get("kvs", [])}


class JdbcSession:
    """A client row with a heartbeat that stays fresh for as long as any test takes."""

    def __init__(self, registry, session_timeout=600_000, process_id=None):
        self.registry = registry
        self.id = random.getrandbits(47)
        self.name = f"127.0.1.9_{process_id or random.randrange(1000, 30000)}"
        registry.db.insert("t_ds_jdbc_registry_client_heartbeat", id=self.id, client_name=self.name,
                           last_heartbeat_time=now_ms(),
                           connection_config=json.dumps({"sessionTimeout": session_timeout},
                                                        separators=(",", ":")))

    def put_ephemeral(self, path, value):
        self.registry.insert(path, value, "EPHEMERAL", self.id)

    def end(self):
        db = self.registry.db
        for table, column in (("data", "client_id"), ("lock", "client_id"),
                              ("client_heartbeat", "id")):
            db.execute(f"DELETE FROM t_ds_jdbc_registry_{table} WHERE {column} = ?", self.id)


class JdbcLock:
    def __init__(self, registry, address, session=None):
        self.registry = registry
        self.own = session is None
        self.session = session or registry.session()
        self.path = f"{LOCKS}/{address}"
        self.id = None
        self.holds()

    def holds(self):
        if self.id is None:
            try:
                self.id = self.registry.db.insert(
                    "t_ds_jdbc_registry_lock", lock_key=self.path,
                    lock_owner=f"{self.session.name}_Master-Failover", client_id=self.session.id,
                    create_time=databases.to_text(now_ms()))
            except Exception as error:  # each driver has its own duplicate key
                if type(error).__name__ not in ("IntegrityError", "UniqueViolation"):
                    raise
        return self.id is not None

    def wait(self, timeout=20):
        end = time.monotonic() + timeout
        while not self.holds():
            assert time.monotonic() < end, "the lock did not come"
            time.sleep(0.05)
        return self

    def release(self):
        self.registry.db.execute("DELETE FROM t_ds_jdbc_registry_lock WHERE id = ?", self.id)
        self.close()

    def close(self):
        if self.own:
            self.session.end()


class Jdbc(Registry):
    type = "jdbc"
    namespace = ""

    def __init__(self, db, url="jdbc"):
        self.db = db
        self.url = url
        for folder in ("/nodes", MASTERS, WORKERS, MARKS):
            if self.get(folder) is None:
                self.insert(folder, "", "PERSISTENT", 0)

    def session(self, **options):
        return JdbcSession(self, **options)

    def insert(self, path, value, kind, client_id):
        moment = databases.to_text(now_ms())
        self.db.insert("t_ds_jdbc_registry_data", data_key=path, data_value=value, data_type=kind,
                       client_id=client_id, create_time=moment, last_update_time=moment)

    def get(self, path):
        found = self.db.rows("SELECT data_value FROM t_ds_jdbc_registry_data WHERE data_key = ?", path)
        return found[0]["data_value"] if found else None

    def put(self, path, value):
        moment = databases.to_text(now_ms())
        if not self.db.execute("UPDATE t_ds_jdbc_registry_data SET data_value = ?, last_update_time = ?"
                               " WHERE data_key = ?", value, moment, path):
            self.insert(path, value, "PERSISTENT", 0)

    def delete(self, path):
        self.db.execute("DELETE FROM t_ds_jdbc_registry_data WHERE data_key = ?", path)

    def folder(self, path):
        prefix = path + "/"
        return {row["data_key"][len(prefix):]: row["data_value"]
                for row in self.db.rows("SELECT data_key, data_value FROM t_ds_jdbc_registry_data")
                if row["data_key"].startswith(prefix) and "/" not in row["data_key"][len(prefix):]}

    def put_many(self, folder, values):
        for name, value in values.items():
            self.put(f"{folder}/{name}", value)

    def events(self):
        """The change events in id order, each with its JSON parsed."""
        return [{"type": row["event_type"], **json.loads(row["jdbc_registry_data"])}
                for row in self.db.rows(
                    "SELECT * FROM t_ds_jdbc_registry_data_change_event ORDER BY id")]

    def snapshot(self):
        return {table: self.db.rows(f"SELECT * FROM t_ds_jdbc_registry_{table} ORDER BY id")
                for table in ("data", "data_change_event", "client_heartbeat", "lock")}

    def lock(self, address, session=None):
        return JdbcLock(self, address, session)

    def locked(self, address):
        return bool(self.db.rows("SELECT id FROM t_ds_jdbc_registry_lock WHERE lock_key = ?",
                                 f"{LOCKS}/{address}"))

    def close(self):
        if self.url != "jdbc":
            self.db.drop()


def _base64(text):
    return base64.b64encode(text.encode()).decode()


def _text(encoded):
    return base64.b64decode(encoded).decode()
