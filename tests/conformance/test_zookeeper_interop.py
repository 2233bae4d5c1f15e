"""The ZooKeeper registry beside an independent client (kazoo), and with servers and connections
that fail. DSFAILOVER_REGISTRY_DRIVER names the program of registry_driver.cc."""

import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from kazoo.exceptions import NoAuthError, NodeExistsError
from kazoo.security import OPEN_ACL_UNSAFE, make_acl, make_digest_acl

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import registries, servers  # noqa: E402
from support.proxy import Proxy  # noqa: E402
from support.zookeeper_proxy import SyncRefusingProxy  # noqa: E402

ADDRESS = "127.0.1.1:5678"
LOCK = f"{registries.LOCKS}/{ADDRESS}"
MARKS = registries.MARKS
FAR = 30000


class Driver:
    """One process with one registry."""

    def __init__(self, address, namespace, session_timeout=10000, login=()):
        self.process = subprocess.Popen(
            [os.environ["DSFAILOVER_REGISTRY_DRIVER"], address, namespace, str(session_timeout),
             *login], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def start(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()

    def answered(self, within):
        return bool(select.select([self.process.stdout], [], [], within)[0])

    def answer(self, within=60):
        assert self.answered(within), "no answer"
        return json.loads(self.process.stdout.readline())

    def ask(self, *words):
        self.start(*words)
        return self.answer()

    def result(self, *words):
        answer = self.ask(*words)
        assert "result" in answer, answer
        return answer["result"]

    def error(self, *words):
        answer = self.ask(*words)
        assert "error" in answer, answer
        return answer["error"], answer["message"]

    def close(self):
        self.process.kill()
        noise = self.process.communicate()[1].decode()
        assert noise == "", "the client's own logging stays off stderr"


@pytest.fixture(scope="module", name="shared_server")
def _shared_server():
    with servers.ZooKeeper() as server:
        yield server


@pytest.fixture
def server():
    """One that the test may stop."""
    with servers.ZooKeeper() as own:
        yield own


@pytest.fixture
def cluster(shared_server):
    registry = registries.ZooKeeper(shared_server)
    yield registry
    registry.close()


@pytest.fixture
def drive():
    """drive(registry, address=None, **options) starts a driver on the registry's namespace."""
    started = []

    def start(registry, address=None, **options):
        started.append(Driver(address or registry.server.address, registry.namespace, **options))
        return started[-1]

    yield start
    for driver in started:
        driver.close()


@pytest.fixture
def proxy(cluster):
    with Proxy(servers.HOST, cluster.server.port) as between:
        yield between


def queue_of(registry):
    return sorted(registry.folder(LOCK), key=lambda name: name.rpartition("lock-")[2])


# --- locks as the masters know them


def test_a_lock_looks_as_curator_leaves_it(cluster, drive):
    driver = drive(cluster)
    assert driver.result("lock", LOCK, FAR)["locked"]
    (name,) = queue_of(cluster)
    assert re.fullmatch(r"_c_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
                        r"-lock-\d{10}", name)
    data, stat = cluster.client.get(cluster.full(f"{LOCK}/{name}"))
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", data.decode())
    assert stat.ephemeralOwner != 0
    driver.result("release")
    # Containers look like persistent nodes to a client, but the server clears them away.
    deadline = time.monotonic() + 20
    while cluster.client.exists(cluster.full("/lock")):
        assert time.monotonic() < deadline, "the parents are not containers"
        time.sleep(0.2)


def test_two_locks_of_one_uuid_do_not_happen(cluster, drive):
    driver = drive(cluster)
    uuids = set()
    for _ in range(5):
        driver.result("lock", LOCK, FAR)
        uuids.add(queue_of(cluster)[0].partition("-lock-")[0])
        driver.result("release")
    assert len(uuids) == 5


def test_we_wait_for_a_curator_style_holder(cluster, drive):
    holder = cluster.lock(ADDRESS)
    driver = drive(cluster)
    driver.start("lock", LOCK, FAR)
    assert not driver.answered(1.2)
    holder.release()
    assert driver.answer(5)["result"]["locked"]


def test_a_curator_style_waiter_waits_for_us(cluster, drive):
    driver = drive(cluster)
    driver.result("lock", LOCK, FAR)
    waiter = cluster.lock(ADDRESS)
    assert not waiter.holds()
    assert driver.result("held")
    driver.result("release")
    waiter.wait(5)
    waiter.release()


def test_a_holder_is_named_by_its_session(cluster, drive):
    master = cluster.register("127.0.1.2:5678")
    holder = cluster.lock(ADDRESS, master.session)
    driver = drive(cluster)
    attempt = driver.result("lock", LOCK, 1500)
    assert not attempt["locked"]
    assert attempt["waited"] >= 1500
    assert attempt["holder"]["owner"] == hex(master.session.id)
    assert attempt["holder"]["description"] == "127.0.1.9"
    assert driver.result("living", registries.MASTERS) == {"127.0.1.2:5678": hex(master.session.id)}
    holder.release()
    master.leave()


def test_a_killed_holder_bars_the_next_one_only_for_its_session(cluster, drive):
    killed = drive(cluster, session_timeout=2000)
    killed.result("lock", LOCK, FAR)
    killed.process.kill()
    assert drive(cluster).result("lock", LOCK, FAR)["locked"]


def test_containers_that_vanish_are_made_again(cluster, drive):
    """Empty containers go after a second: sometimes right before our node is made in them."""
    driver = drive(cluster)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert driver.result("lock", LOCK, FAR)["locked"]
        driver.result("release")
        time.sleep(0.03)
    time.sleep(2.5)
    assert cluster.client.exists(cluster.full(LOCK)) is None
    assert driver.result("lock", LOCK, FAR)["locked"]


def test_numbers_beyond_ten_digits_are_numbers(cluster, drive):
    """Named by hand: a server would need 2^31 locks for it."""
    cluster.make_containers(cluster.full(LOCK))
    names = [f"_c_0-lock-{number}" for number in ("0000000009", "10000000000", "-2147483648")]
    for name in names:
        cluster.client.create(cluster.full(f"{LOCK}/{name}"), ephemeral=True)
    cluster.client.create(cluster.full(f"{LOCK}/no-claim"), ephemeral=True)
    claims = drive(cluster).result("claims", LOCK)
    assert [claim["id"] for claim in claims] == [names[2], names[0], names[1]]


# --- connections that break


def test_a_lock_whose_answer_was_lost_is_found_again(cluster, proxy, drive):
    driver = drive(cluster, proxy.address)
    proxy.cut_after(b"-lock-")
    assert driver.result("lock", LOCK, FAR)["locked"]
    assert proxy.fired.is_set()
    assert len(queue_of(cluster)) == 1
    assert driver.result("held")


def test_a_lock_whose_request_was_lost_is_asked_for_again(cluster, proxy, drive):
    driver = drive(cluster, proxy.address)
    cluster.make_containers(cluster.full(LOCK))
    proxy.cut_before(b"-lock-")
    assert driver.result("lock", LOCK, FAR)["locked"]
    assert proxy.fired.is_set()
    assert len(queue_of(cluster)) == 1


def test_who_gives_up_leaves_the_queue_even_through_a_broken_connection(cluster, proxy, drive):
    holder = cluster.lock(ADDRESS)
    driver = drive(cluster, proxy.address)
    driver.start("lock", LOCK, 2500)
    time.sleep(1)
    proxy.cut()
    assert not driver.answer()["result"]["locked"]
    assert queue_of(cluster) == [holder.node.rpartition("/")[2]]
    holder.release()


@pytest.mark.parametrize("reaches", [True, False])
def test_a_write_that_was_cut_off_is_unknown_until_it_is_read(cluster, proxy, drive, reaches):
    driver = drive(cluster, proxy.address)
    (proxy.cut_after if reaches else proxy.cut_before)(b"the-value")
    kind, message = driver.error("create", f"{MARKS}/a", "the-value")
    assert kind == "outcome_unknown"
    assert proxy.address in message and f"{MARKS}/a" in message
    found = driver.result("get", f"{MARKS}/a")
    assert (found is not None) == reaches


def test_a_sync_that_is_refused_is_an_error(cluster, drive):
    """Without it the server may answer what it knew some time ago."""
    cluster.put(f"{MARKS}/{ADDRESS}-1-1", "1")
    with SyncRefusingProxy(cluster.server.port) as refusing:
        driver = drive(cluster, refusing.address)
        kind, message = driver.error("get", f"{MARKS}/{ADDRESS}-1-1")
        assert kind == "other" and "sync" in message and refusing.refused
        assert driver.error("claims", LOCK)[0] == driver.error("read", MARKS)[0] == "other"


def test_reads_go_on_after_a_broken_connection(cluster, proxy, drive):
    cluster.put_many(MARKS, {str(i): "1" for i in range(3000)})
    driver = drive(cluster, proxy.address)
    driver.result("get", MARKS)
    proxy.cut_after(f"{MARKS}/1".encode(), skip=1)
    assert driver.result("read", MARKS) == {"read": 3000, "problems": {}}
    assert proxy.fired.is_set()


@pytest.mark.parametrize("reaches", [True, False])
def test_removals_that_were_cut_off_are_settled(cluster, proxy, drive, reaches):
    cluster.put_many(MARKS, {f"mark-{i}": "1" for i in range(500)})
    driver = drive(cluster, proxy.address)
    driver.result("read", MARKS)
    (proxy.cut_after if reaches else proxy.cut_before)(b"mark-7")
    assert driver.result("remove")["outcomes"] == {"removed": 500}
    assert proxy.fired.is_set()
    assert cluster.marks() == {}


def test_a_frozen_connection_ends_in_an_error(cluster, proxy, drive):
    driver = drive(cluster, proxy.address, session_timeout=2000)
    driver.result("lock", LOCK, FAR)
    proxy.freeze()
    start = time.monotonic()
    kind, message = driver.error("held")
    assert kind == "unreachable" and proxy.address in message
    assert time.monotonic() - start < 6
    proxy.thaw()
    deadline = time.monotonic() + 30
    while (answer := driver.ask("held")) != {"result": False}:  # its session ended meanwhile
        assert answer.get("error") == "unreachable" and time.monotonic() < deadline, answer


# --- servers that stop, sessions that end


def test_a_lock_survives_a_restart_of_the_server(server, drive):
    registry = registries.ZooKeeper(server)
    driver = drive(registry, session_timeout=20000)
    driver.result("lock", LOCK, FAR)
    server.kill()
    driver.start("held")
    assert not driver.answered(0.5)
    server.start()
    assert driver.answer() == {"result": True}
    assert driver.result("create", f"{MARKS}/a", "1")


def test_a_server_that_stays_away_is_an_error(server, drive):
    registry = registries.ZooKeeper(server)
    driver = drive(registry, session_timeout=2000)
    driver.result("lock", LOCK, FAR)
    driver.result("get", MARKS)
    server.kill()
    for command in (("held",), ("get", MARKS), ("create", f"{MARKS}/a", "1")):
        start = time.monotonic()
        kind, message = driver.error(*command)
        assert kind == "unreachable" and server.address in message
        assert time.monotonic() - start < 6
    driver.result("release")


def test_a_server_restarted_while_we_queue(server, drive):
    registry = registries.ZooKeeper(server)
    holder, waiter = (drive(registry, session_timeout=20000) for _ in range(2))
    holder.result("lock", LOCK, FAR)
    waiter.start("lock", LOCK, FAR)
    time.sleep(0.5)
    server.restart()
    assert holder.result("held")
    assert not waiter.answered(1)
    holder.result("release")
    assert waiter.answer()["result"]["locked"]


def test_who_slept_too_long_has_lost_the_lock(cluster, drive):
    sleeper = drive(cluster, session_timeout=1500)
    sleeper.result("lock", LOCK, FAR)
    sleeper.process.send_signal(signal.SIGSTOP)
    other = drive(cluster)
    assert other.result("lock", LOCK, FAR)["locked"]
    sleeper.process.send_signal(signal.SIGCONT)
    assert sleeper.result("held") is False
    sleeper.result("release")
    assert other.result("held")
    # The registry itself goes on, in a new session.
    assert [sleeper.ask("create", f"{MARKS}/{i}", "1") for i in range(2)][1] == {"result": True}


def test_a_session_that_ends_while_queueing_is_an_error(cluster, drive):
    holder = cluster.lock(ADDRESS)
    waiter = drive(cluster, session_timeout=1500)
    waiter.start("lock", LOCK, FAR)
    time.sleep(0.5)
    waiter.process.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 30
    while len(queue_of(cluster)) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    waiter.process.send_signal(signal.SIGCONT)
    answer = waiter.answer()
    assert answer["error"] == "session_lost"
    assert cluster.server.address in answer["message"]
    holder.release()


def test_no_server_at_all_is_named_at_once(cluster, drive):
    driver = drive(cluster, f"127.0.0.1:{servers.free_port()}")
    start = time.monotonic()
    kind, message = driver.error("get", MARKS)
    assert kind == "unreachable" and "127.0.0.1" in message
    assert time.monotonic() - start < 5


def test_an_unknown_host_is_named(cluster, drive):
    kind, message = drive(cluster, "no-such-host.invalid:2181").error("get", MARKS)
    assert kind == "unreachable" and "no-such-host.invalid" in message


def test_one_server_of_several_suffices(cluster, drive):
    hosts = f"127.0.0.1:{servers.free_port()},{cluster.server.address}"
    for _ in range(3):
        driver = drive(cluster, hosts)
        assert driver.result("get", "/nodes") is not None


# --- access


LOGIN = ("ds", "a:s3cret")


def test_with_a_login_nodes_are_the_creators_alone(cluster, drive):
    driver = drive(cluster, login=LOGIN)
    driver.result("lock", LOCK, FAR)
    driver.result("create", f"{MARKS}/a", "1")
    with pytest.raises(NoAuthError):
        cluster.client.get(cluster.full(f"{MARKS}/a"))
    owner = cluster.session(auth=("digest", ":".join(LOGIN)))
    assert owner.client.get(cluster.full(f"{MARKS}/a"))[0] == b"1"
    (acl,), _ = owner.client.get_acls(cluster.full(f"{MARKS}/a"))
    assert acl == make_digest_acl(*LOGIN, all=True)
    driver.result("release")
    owner.client.delete(cluster.full("/lock"), recursive=True)
    owner.client.delete(cluster.full(f"{MARKS}/a"))
    owner.end()


@pytest.mark.parametrize("login", [(), ("ds", "wr0ng")])
def test_what_is_denied_is_said(cluster, drive, login):
    cluster.client.create(cluster.full(f"{MARKS}/secret"), b"1",
                          acl=[make_digest_acl(*LOGIN, all=True)])
    driver = drive(cluster, login=login)
    for command in (("get", f"{MARKS}/secret"), ("create", f"{MARKS}/secret/child", "1")):
        kind, message = driver.error(*command)
        assert kind == "denied"
        assert cluster.server.address in message and f"{MARKS}/secret" in message
        assert "registry.zookeeper.digest" in message and "wr0ng" not in message
    cluster.client.create(cluster.full(f"{MARKS}/open"), b"1")
    assert driver.result("read", MARKS) == {
        "read": 1, "problems": {"secret": "reading denied by its ACL"}}
    assert driver.result("remove")["outcomes"] == {"removed": 1}
    # Alive is alive, readable or not.
    assert driver.result("living", MARKS) == {"secret": ""}
    owner = cluster.session(auth=("digest", ":".join(LOGIN)))
    owner.client.delete(cluster.full(f"{MARKS}/secret"))
    owner.end()


def test_denied_removals_are_said_one_by_one(cluster, drive):
    for i in range(3):
        cluster.client.create(cluster.full(f"{MARKS}/{i}"), b"1")
    cluster.client.set_acls(cluster.full(MARKS), [make_acl("world", "anyone", read=True, admin=True)])
    driver = drive(cluster)
    driver.result("read", MARKS)
    removed = driver.result("remove")
    assert removed["outcomes"] == {"failed": 3}
    assert "ACL" in removed["problems"][f"{MARKS}/1"]
    assert len(cluster.marks()) == 3
    cluster.client.set_acls(cluster.full(MARKS), OPEN_ACL_UNSAFE)


# --- marks


def test_a_mark_made_anew_between_read_and_removal_is_kept(cluster, drive):
    cluster.put_many(MARKS, {str(i): "1" for i in range(200)})
    driver = drive(cluster)
    driver.result("read", MARKS)
    cluster.delete(f"{MARKS}/7")
    cluster.put(f"{MARKS}/7", "1")
    removed = driver.result("remove")
    assert removed["outcomes"] == {"removed": 199, "changed": 1}
    assert cluster.marks() == {"7": "1"}


def test_a_mark_made_beside_them_keeps_nothing_from_being_removed(cluster, drive):
    cluster.put_many(MARKS, {str(i): "1" for i in range(200)})
    driver = drive(cluster)
    driver.result("read", MARKS)
    cluster.put(f"{MARKS}/new", "1")
    assert driver.result("remove")["outcomes"] == {"removed": 200}
    assert cluster.marks() == {"new": "1"}


def test_bad_marks_do_not_keep_others(cluster, drive):
    cluster.put_many(MARKS, {str(i): "" for i in range(5000)})
    driver = drive(cluster)
    driver.result("read", MARKS)
    for i in range(0, 5000, 250):
        cluster.put(f"{MARKS}/{i}/child", "1")
    for i in range(1, 5000, 250):
        cluster.put(f"{MARKS}/{i}", "rewritten")
    for i in range(2, 5000, 250):
        cluster.delete(f"{MARKS}/{i}")
    removed = driver.result("remove")
    assert removed["outcomes"] == {"removed": 4940, "has_children": 20, "changed": 20,
                                   "vanished": 20}
    assert len(cluster.marks()) == 40


# --- announcements


def test_an_announcement_is_seen_once_and_withdrawn_once(cluster, drive):
    driver = drive(cluster)
    path = f"{registries.WORKERS}/127.0.1.9:1234"
    assert driver.result("announce", path, "{}")
    stat = cluster.client.exists(cluster.full(path))
    assert stat.ephemeralOwner != 0
    with pytest.raises(NodeExistsError):
        cluster.client.create(cluster.full(path))
    assert driver.result("withdraw")
    assert cluster.client.exists(cluster.full(path)) is None


def test_a_worker_that_writes_into_our_node_comes_back(cluster, drive):
    driver = drive(cluster)
    path = f"{registries.WORKERS}/127.0.1.9:1234"
    driver.result("lock", LOCK, FAR)
    driver.result("announce", path, "ours")
    cluster.put(path, "theirs")
    assert driver.result("withdraw") is False
    assert cluster.get(path) is None
    assert driver.result("held")
    cluster.put(path, "next heartbeat")
    assert driver.result("get", path)["value"] == "next heartbeat"


def test_an_announcement_whose_answer_was_lost_is_ours(cluster, proxy, drive):
    driver = drive(cluster, proxy.address)
    path = f"{registries.WORKERS}/127.0.1.9:1234"
    proxy.cut_after(b"127.0.1.9:1234")
    assert driver.result("announce", path, "{}")
    assert proxy.fired.is_set()
    assert driver.result("withdraw")
    assert cluster.get(path) is None
