"""clean-marks and list-marks: every mark by itself, whatever the others are like."""

import json
import time

import pytest
from kazoo.security import ACL, Id

from support import audit
from support.cluster import ALIVE, DAY, DEAD, HOUR, OTHER_DEAD, Cluster, ago, heartbeat_of, now_ms, until
from support.proxy import Proxy
from support.registries import MARKS

GONE = "127.9.0.{}:5678"


def outcomes(result):
    return {item["name"]: item["outcome"] for item in result["marks"]["items"]}


@pytest.fixture
def marks_only(cluster):
    """Runs marks commands with the registry and no database."""
    def run(*arguments, **options):
        return cluster.run(*arguments, options=["--registry", cluster.registry.url], **options)
    return run


def test_marks_older_than_seven_days_are_deleted(cluster, marks_only):
    old, fresh = f"{GONE.format(1)}-1-2", f"{GONE.format(2)}-1-2"
    cluster.registry.mark(old, ago(7 * DAY + HOUR))
    cluster.registry.mark(fresh, ago(7 * DAY - HOUR))
    result = marks_only("clean-marks", code=0)
    assert list(cluster.registry.marks()) == [fresh]
    assert result["marks"]["examined"] == 2
    assert (result["marks"]["removed"], result["marks"]["kept"]) == (1, 1)
    [item] = [each for each in result["marks"]["items"] if each["name"] == old]
    assert item["address"] == GONE.format(1) and item["outcome"] == "removed"
    assert (item["startup_time"], item["process_id"]) == (1, 2)
    assert item["age_ms"] >= 7 * DAY


def test_a_second_cleaning_has_nothing_to_do(cluster, marks_only):
    cluster.registry.mark(f"{GONE.format(1)}-1-2", ago(9 * DAY))
    marks_only("clean-marks", code=0)
    assert marks_only("clean-marks", code=0)["outcome"] == "nothing_to_do"


def test_unparsable_and_strange_marks_are_reported_and_the_rest_is_cleaned(cluster, marks_only):
    registry = cluster.registry
    good = {f"{GONE.format(number)}-{number}-9": str(ago(8 * DAY)) for number in range(300)}
    registry.put_many(MARKS, good)
    odd = {"127.9.1.1:1-1-1": "rubbish", "127.9.1.2:1-1-1": "", "127.9.1.3:1-1-1": "12 ",
           "127.9.1.4:1-1-1": "99999999999999999999999", "127.9.1.5:1-1-1": "-5 days", "no mark at all": "x"}
    registry.put_many(MARKS, odd)
    with_children = f"{GONE.format(900)}-1-1"
    registry.mark(with_children, ago(9 * DAY))
    registry.put(f"{MARKS}/{with_children}/child", "precious")
    denied = f"{GONE.format(901)}-1-1"
    registry.mark(denied, ago(9 * DAY))
    unreadable = f"{GONE.format(902)}-1-1"
    nobody = [ACL(0, Id("world", "anyone"))]
    registry.client.create(registry.full(f"{MARKS}/{unreadable}"), str(ago(9 * DAY)).encode(), acl=nobody)

    result = marks_only("clean-marks", code=3)
    left = registry.client.get_children(registry.full(MARKS))
    # Whether `denied` may be deleted is decided by the folder's ACL: see the next test.
    assert set(left) == set(odd) | {with_children, unreadable}
    assert registry.get(f"{MARKS}/{with_children}/child") == "precious"
    said = outcomes(result)
    for name in (*odd, with_children, unreadable):
        assert said[name] in ("failed", "kept"), name
        [item] = [each for each in result["marks"]["items"] if each["name"] == name]
        assert item["reason"], name
    assert said[with_children] == said[unreadable] == "failed"
    assert result["marks"]["removed"] == 301
    assert result["marks"]["failed"] >= 8


def test_a_deletion_refused_by_acl_is_reported(cluster, marks_only):
    registry = cluster.registry
    names = [f"{GONE.format(number)}-1-1" for number in range(5)]
    for name in names:
        registry.mark(name, ago(9 * DAY))
    read_only = [ACL(1 | 2 | 4 | 16, Id("world", "anyone"))]  # all but DELETE
    registry.client.set_acls(registry.full(MARKS), read_only)
    result = marks_only("clean-marks", code=3)
    assert set(registry.marks()) == set(names)
    assert result["marks"]["failed"] == 5 and result["marks"]["removed"] == 0
    assert all("auth" in item["reason"].lower() or "acl" in item["reason"].lower()
               or "denied" in item["reason"].lower() for item in result["marks"]["items"])


def test_a_mark_rewritten_between_read_and_delete_is_kept(cluster, zookeeper):
    registry = cluster.registry
    rewritten, old = f"{GONE.format(1)}-1-1", f"{GONE.format(2)}-1-1"
    registry.mark(rewritten, ago(9 * DAY))
    registry.mark(old, ago(9 * DAY))
    # Each packet to ZooKeeper takes a while: time to write between its read and its deletion.
    with Proxy("127.0.0.1", zookeeper.port) as proxy:
        proxy.delay(0.4)
        url = f"zookeeper://{proxy.address}{registry.namespace}"
        for _ in range(8):
            run = cluster.start("clean-marks", options=["--registry", url])
            written = 0
            while run.running() and registry.get(f"{MARKS}/{old}") is not None:
                registry.put(f"{MARKS}/{rewritten}", str(ago(9 * DAY)))
                written += 1
            result = run.finish((0, 3))
            if registry.get(f"{MARKS}/{rewritten}") is not None:
                break
            registry.mark(rewritten, ago(9 * DAY))
            registry.mark(old, ago(9 * DAY))
    assert registry.get(f"{MARKS}/{rewritten}") is not None, "it was deleted although it had changed"
    assert written and registry.get(f"{MARKS}/{old}") is None
    assert outcomes(result)[old] == "removed" and outcomes(result)[rewritten] != "removed"


def test_only_direct_children_of_the_folder_are_ever_deleted(cluster, marks_only):
    registry = cluster.registry
    registry.put("/nodes/other/127.9.0.1:1-1-1", str(ago(9 * DAY)))
    registry.mark("127.9.0.2:1-1-1", ago(9 * DAY))
    marks_only("clean-marks", code=0)
    assert registry.get("/nodes/other/127.9.0.1:1-1-1") is not None
    assert registry.client.exists(registry.full(MARKS)) is not None


def test_a_fence_is_kept_while_its_address_lives(cluster, marks_only):
    fence, stale = f"{ALIVE}-1-2", f"{GONE.format(1)}-1-2"
    cluster.registry.mark(fence, 0)
    cluster.registry.mark(stale, 0)
    result = marks_only("clean-marks", code=0)
    assert list(cluster.registry.marks()) == [fence]
    assert outcomes(result) == {fence: "kept", stale: "removed"}


@pytest.mark.parametrize("with_database", [False, True])
def test_a_fence_is_kept_for_seven_days_after_the_start_of_its_process(cluster, marks_only, with_database):
    """Its value tells nothing; a process cut off may yet come to look at it."""
    young, old = f"{GONE.format(1)}-{ago(6 * DAY)}-2", f"{GONE.format(1)}-{ago(8 * DAY)}-2"
    nobody_s = f"{GONE.format(2)}-unknown-unknown"
    for name in (young, old, nobody_s):
        cluster.registry.mark(name, 0)
    cleaned = {name: "kept" if name == young else "removed" for name in (young, old, nobody_s)}
    run = cluster.run if with_database else marks_only
    assert outcomes(run("clean-marks", code=0)) == cleaned
    if with_database:
        assert outcomes(run("clean-marks", "--older-than", "1h", code=0)) == {young: "kept"}
    assert list(cluster.registry.marks()) == [young]
    cluster.registry.mark(old, 0)
    result = run("clean-marks", "--older-than", "9d", code=0)  # asked to keep more
    assert set(cluster.registry.marks()) == {young, old} and result["marks"]["kept"] == 2
    assert {item["reason"] for item in result["marks"]["items"]} == {"fence"}


def test_fences_are_listed_as_such(cluster, marks_only):
    fence, nobody_s = f"{GONE.format(1)}-{ago(HOUR)}-2", f"{GONE.format(2)}-unknown-unknown"
    cluster.registry.mark(fence, 0)
    cluster.registry.mark(nobody_s, 0)
    cluster.registry.mark(f"{GONE.format(3)}-1-2", ago(DAY))
    listed = {item["name"]: item for item in marks_only("list-marks", code=0)["marks"]["items"]}
    assert len(listed) == 3
    assert {name for name, item in listed.items() if item["reason"] == "fence"} == {fence, nobody_s}
    assert HOUR <= listed[fence]["age_ms"] < 2 * HOUR and listed[nobody_s]["age_ms"] is None
    assert set(outcomes(marks_only("list-marks", "--older-than", "2h", code=0))) == set(listed) - {fence}


def test_evidence_is_kept_while_an_unfinished_instance_needs_it(cluster):
    older, newest, other = f"{DEAD}-1-1", f"{DEAD}-2-2", f"{OTHER_DEAD}-1-1"
    cluster.registry.mark(older, ago(20 * DAY))
    cluster.registry.mark(newest, ago(10 * DAY))
    cluster.registry.mark(other, ago(10 * DAY))
    workflow = cluster.workflow()
    result = cluster.run("clean-marks", code=0)
    assert list(cluster.registry.marks()) == [newest]
    [item] = [each for each in result["marks"]["items"] if each["name"] == newest]
    assert (item["outcome"], item["reason"]) == ("kept", "evidence")
    cluster.db.execute("UPDATE t_ds_workflow_instance SET state = 7 WHERE id = ?", workflow)
    cluster.run("clean-marks", code=0)
    assert cluster.registry.marks() == {}


def test_without_a_database_less_than_seven_days_is_refused(cluster, marks_only):
    cluster.registry.mark(f"{GONE.format(1)}-1-1", ago(2 * DAY))
    result = marks_only("clean-marks", "--older-than", "1d", code=2)
    assert "7d" in result.said or "database" in result.said
    assert len(cluster.registry.marks()) == 1
    marks_only("clean-marks", "--older-than", "8d", code=0)
    cluster.run("clean-marks", "--older-than", "1d", code=0)
    assert cluster.registry.marks() == {}


def test_a_failing_audit_log_loses_no_removal_from_the_report(cluster, tmp_path):
    names = {f"{GONE.format(number)}-1-1": str(ago(9 * DAY)) for number in range(5)}
    cluster.registry.put_many(MARKS, names)
    log = audit.BreakingLog(tmp_path)
    run = cluster.start("clean-marks", "--audit-log", log.path)
    log.break_behind("run")
    result = run.finish(1)
    assert result["marks"]["removed"] == 5 and cluster.registry.marks() == {}
    assert len(result["errors"]) == 1


def test_list_marks_oldest_first_and_changes_nothing(cluster, marks_only):
    ages = {f"{GONE.format(number)}-{number + 1}-5": days * DAY
            for number, days in enumerate((3, 9, 1, 30))}
    for name, age in ages.items():
        cluster.registry.mark(name, ago(age))
    cluster.registry.mark(f"{DEAD}-unknown-unknown", ago(5 * DAY))
    with cluster.nothing_changes():
        result = marks_only("list-marks", code=0)
    names = [item["name"] for item in result["marks"]["items"]]
    assert names == sorted(names, key=lambda n: -ages.get(n, 5 * DAY))
    assert result["marks"]["examined"] == 5
    [unknown] = [i for i in result["marks"]["items"] if i["name"].endswith("unknown")]
    assert (unknown["address"], unknown["startup_time"], unknown["process_id"]) == (DEAD, None, None)


def test_list_marks_opens_no_database_and_says_whether_there_was_something(cluster):
    options = ["--registry", cluster.registry.url, "--database", "postgresql://u@127.0.0.1:1/d"]
    result = cluster.run("list-marks", options=options, code=0)
    assert result["outcome"] == "nothing_to_do" and result["database"] is None
    cluster.registry.mark(f"{DEAD}-1-1", ago(DAY))
    assert cluster.run("list-marks", options=options, code=0)["outcome"] == "completed"


def test_marks_that_cannot_be_read_are_an_error_of_the_listing(cluster, marks_only):
    registry = cluster.registry
    registry.mark(f"{DEAD}-1-1", ago(DAY))
    nobody = [ACL(0, Id("world", "anyone"))]
    registry.client.create(registry.full(f"{MARKS}/{DEAD}-2-2"), b"1", acl=nobody)
    result = marks_only("list-marks", code=3)
    assert result["marks"]["failed"] == 1 and "1 mark could not be read" in result["errors"][0]


def test_a_clock_far_ahead_of_every_heartbeat_deletes_nothing(make_cluster):
    cluster = make_cluster(living=False)
    cluster.registry.mark(f"{GONE.format(1)}-1-1", ago(9 * DAY))
    cluster.register(ALIVE, value=heartbeat_of(ALIVE, report_time=ago(2 * DAY)))
    registry = ["--registry", cluster.registry.url]
    with cluster.nothing_changes():
        result = cluster.run("clean-marks", options=registry, code=6)
    assert "clock" in result["errors"][0]
    cluster.run("clean-marks", "--dry-run", code=0)  # the database's clock vouches for ours
    # One server that does not hang is enough.
    cluster.register("127.0.2.9:1234", worker=True)
    cluster.run("clean-marks", options=registry, code=0)
    assert cluster.registry.marks() == {}


def test_with_a_database_the_clocks_are_compared(make_cluster):
    cluster = make_cluster(living=False)
    cluster.registry.mark(f"{GONE.format(1)}-1-1", ago(9 * DAY))
    cluster.register(ALIVE, value=heartbeat_of(ALIVE, report_time=ago(-5 * 60_000)))
    with cluster.nothing_changes():
        assert "clock" in cluster.run("clean-marks", code=6)["errors"][0]


def test_list_marks_of_an_address_or_an_age(cluster, marks_only):
    for name in (f"{DEAD}-1-1", f"{DEAD}-unknown-unknown", f"{DEAD}8-1-1", f"{OTHER_DEAD}-1-1"):
        cluster.registry.mark(name, ago(DAY))
    cluster.registry.mark(f"{DEAD}-2-1", ago(5 * DAY))
    one = marks_only("list-marks", "--address", DEAD, code=0)
    assert set(outcomes(one)) == {f"{DEAD}-1-1", f"{DEAD}-unknown-unknown", f"{DEAD}-2-1"}
    old = marks_only("list-marks", "--older-than", "2d", code=0)
    assert set(outcomes(old)) == {f"{DEAD}-2-1"}


def test_marks_are_read_from_the_right(cluster, marks_only):
    name = "ds-master-0.ds-master-headless.invalid:5678-1795331879415-7074"
    cluster.registry.mark(name, ago(DAY))
    [item] = marks_only("list-marks", code=0)["marks"]["items"]
    assert item["address"] == "ds-master-0.ds-master-headless.invalid:5678"
    assert (item["startup_time"], item["process_id"]) == (1795331879415, 7074)


def test_ten_thousand_marks(cluster, marks_only):
    registry = cluster.registry
    old = {f"127.{n // 250 % 250}.{n % 250}.1:5678-{n}-1": str(ago(8 * DAY)) for n in range(10_000)}
    registry.put_many(MARKS, old)
    registry.put_many(MARKS, {"127.9.1.1:1-1-1": "rubbish", f"{GONE.format(2)}-1-1": str(now_ms())})
    result = marks_only("clean-marks", "--items", "20", code=3)
    assert result["marks"]["removed"] == 10_000 and result["marks"]["examined"] == 10_002
    assert set(registry.marks()) == {"127.9.1.1:1-1-1", f"{GONE.format(2)}-1-1"}
    assert result["marks"]["items_omitted"] >= 10_001 - len(result["marks"]["items"])
    # What needs a person is not among those left out.
    assert "127.9.1.1:1-1-1" in json.dumps(result.report)


def test_a_hundred_thousand_marks_are_listed(cluster, marks_only):
    registry = cluster.registry
    for part in range(10):
        registry.put_many(MARKS, {f"127.{part}.{n // 250}.{n % 250}:5678-1795331879415-{n}":
                                  str(ago(DAY) + n) for n in range(10_000)})
    result = marks_only("list-marks", "--items", "100", code=0)
    assert result["marks"]["examined"] == 100_000
    assert len(result["marks"]["items"]) == 100
    assert result.seconds < 60


def test_no_folder_is_no_mark(cluster, marks_only):
    cluster.registry.delete(MARKS)
    assert marks_only("list-marks", code=0)["marks"]["examined"] == 0
    assert marks_only("clean-marks", code=0)["outcome"] == "nothing_to_do"


def test_marks_made_with_digest_are_cleaned_with_it(zookeeper, make_cluster, tmp_path):
    from kazoo.client import KazooClient
    from kazoo.security import CREATOR_ALL_ACL
    namespace = f"/digest-{time.monotonic_ns()}"
    client = KazooClient(zookeeper.address, auth_data=[("digest", "ds:s3cret-of-ds")])
    client.start()
    try:
        for path in (namespace, f"{namespace}/nodes", f"{namespace}/nodes/master", f"{namespace}{MARKS}",
                     f"{namespace}{MARKS}/127.9.0.1:1-1-1"):
            client.create(path, str(ago(9 * DAY)).encode(), acl=CREATOR_ALL_ACL)
        cluster = make_cluster()
        options = ["--registry", f"zookeeper://{zookeeper.address}{namespace}"]
        refused = cluster.run("clean-marks", options=options)
        assert refused.code == 6 and namespace in refused.said
        password = tmp_path / "password"
        password.write_text("s3cret-of-ds\n")
        password.chmod(0o600)
        cluster.run("clean-marks", "--registry-user", "ds", "--registry-password-file", password,
                    options=options, code=0)
        assert client.get_children(f"{namespace}{MARKS}") == []
    finally:
        client.delete(namespace, recursive=True)
        client.stop()
        client.close()


def test_what_we_make_under_digest_belongs_to_its_creator(zookeeper, make_cluster, tmp_path):
    from kazoo.security import make_digest_acl_credential
    cluster = make_cluster()
    cluster.workflow()
    password = tmp_path / "password"
    password.write_text("s3cret-of-ds\n")
    password.chmod(0o600)
    cluster.failover_master("--registry-user", "ds", "--registry-password-file", password, code=0)
    registry = cluster.registry
    creator = registry.session(auth=("digest", "ds:s3cret-of-ds"))
    acls, _ = creator.client.get_acls(registry.full(f"{MARKS}/{DEAD}-unknown-unknown"))
    assert acls == [ACL(31, Id("digest", make_digest_acl_credential("ds", "s3cret-of-ds")))]
    creator.end()
