"""What happens in the short moments between a run's steps: each test holds one of them open."""

import threading

import pytest

from support.cluster import (DEAD, HOUR, ago, hold, now_ms, until, waits_for_a_row)
from support.proxy import COMMIT, Proxy
from support.registries import STAMPS

SERVERS = ["postgresql", "mariadb"]


def through(cluster, proxy):
    url = cluster.db.url.replace(cluster.db.server.address, proxy.address)
    return ["--registry", cluster.registry.url, "--database", url]


def about_to_commit(cluster, proxy, workflow, arm):
    """Starts a run that has everything but `workflow`; calls arm(), and then lets it have that one, too.
    What the proxy meets next is the commit of the run's work, and of no reading."""
    other = hold(cluster, workflow)
    run = cluster.start("failover-master", DEAD, options=through(cluster, proxy))
    until(lambda: waits_for_a_row(cluster.db))
    arm()
    other.execute("ROLLBACK")
    return run


class AfterTheCommit:
    """The run has committed, and finds the workflow instances locked when it wants to read them again.

    With PostgreSQL: whoever asks for the whole table while a transaction changes it comes next.
    `just_before` is called when the commit was asked for and has not been made.
    """

    def __init__(self, cluster, workflow, just_before=lambda: None):
        self._just_before = just_before
        self.proxy = Proxy("127.0.0.1", cluster.db.server.port)
        self.db = cluster.db.clone()
        self._monitor = cluster.db.clone()
        self._thread = threading.Thread(target=self._lock)
        self.run = about_to_commit(cluster, self.proxy, workflow,
                                   lambda: self.proxy.do_before(COMMIT["postgresql"], self._queue))

    def __enter__(self):
        assert self.proxy.fired.wait(20)
        self._thread.join(20)
        until(lambda: waits_for_a_row(self._monitor))
        return self

    def __exit__(self, *_):
        self.db.execute("COMMIT")

    def _queue(self):
        self._just_before()
        self._thread.start()
        until(lambda: self._monitor.value(
            "SELECT count(*) FROM pg_locks WHERE relation = 't_ds_workflow_instance'::regclass"
            " AND mode = 'AccessExclusiveLock' AND NOT granted"))

    def _lock(self):
        self.db.execute("BEGIN")
        self.db.execute("LOCK TABLE t_ds_workflow_instance IN ACCESS EXCLUSIVE MODE")

    def finish(self, code):
        result = self.run.finish(code)
        self.proxy.close()
        return result


@pytest.fixture
def cluster(make_cluster):
    return make_cluster(database="postgresql")


# -- between the last commit and the mark


def test_a_lock_lost_after_the_last_commit_leaves_no_mark(cluster):
    """Somebody else may hold it now, and has read no mark of ours."""
    workflow = cluster.workflow()
    moment = AfterTheCommit(cluster, workflow)
    with moment:
        cluster.lose_lock(DEAD)
    result = moment.finish(5)
    cluster.assert_failed_over_once([workflow])
    assert result.workflows["failed_over"] == 1 and result.master["outcome"] == "failed"
    assert cluster.registry.marks() == {} and "was lost" in "\n".join(result["errors"])


def test_a_master_back_after_the_last_commit_leaves_no_mark(cluster):
    """The very process that was thought to be gone: a mark would stop it."""
    workflow = cluster.workflow()
    moment = AfterTheCommit(cluster, workflow)
    with moment:
        cluster.register(DEAD, startup_time=ago(HOUR))
    result = moment.finish(4)
    assert result.workflows["failed_over"] == 1 and cluster.registry.marks() == {}


@pytest.mark.parametrize("when", ["before", "during"])
def test_the_later_readings_look_who_lives(cluster, when):
    """A new process came up at the address before such a reading, or while it waits for the database: what
    that process runs now is its own, however old."""
    mine, runs, idle = cluster.workflow(), cluster.workflow(state=0), cluster.workflow(state=0)

    def come_up():
        cluster.register(DEAD, startup_time=now_ms())

    moment = AfterTheCommit(cluster, mine, *([come_up] if when == "before" else []))
    with moment:
        if when == "during":
            come_up()
        moment.db.execute("UPDATE t_ds_workflow_instance SET state = 1 WHERE id IN (?, ?)", runs, idle)
        cluster.task(runs, submit=now_ms(), db=moment.db)
    result = moment.finish(3)
    assert cluster.states([runs, idle]) == {runs: 1, idle: 1}
    cluster.assert_failed_over_once([mine])
    assert result.workflows["skipped"] == {"running_elsewhere": 1, "in_doubt": 1}


# -- between the beginning of a reading and its end


def test_what_another_run_did_before_our_scan_is_known_by_its_stamp(cluster):
    """Stamps are read when the scan has begun: every instance in it is older than they are."""
    mine, its = cluster.workflow(), cluster.workflow()
    scans = []

    def another_run_and_a_master():
        stamp = now_ms()
        scans.append(stamp)
        known = cluster.registry.get(f"{STAMPS}/{DEAD}")
        cluster.registry.put(f"{STAMPS}/{DEAD}", f"{known},{stamp}" if known else str(stamp))
        with other.transaction():
            cluster.task(its, name=f"task {stamp}", submit=stamp + 1, db=other)
            other.execute("UPDATE t_ds_workflow_instance SET restart_time = to_timestamp(? / 1000.0) AT TIME ZONE 'UTC'"
                          " WHERE id = ?", stamp, its)

    other = cluster.db.clone()
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        proxy.do_before_each(b"state IN (", another_run_and_a_master)
        result = cluster.run("failover-master", DEAD, options=through(cluster, proxy), code=0)
    assert scans, "the scan looks otherwise now"
    cluster.assert_failed_over_once([mine])
    assert cluster.state(its) == 1 and result.workflows["skipped"] == {"running_elsewhere": 1}


# -- between a commit and its answer


@pytest.mark.parametrize("database", SERVERS)
def test_a_commit_that_arrives_after_our_connection_broke_is_ours(make_cluster, database):
    """The server still has the transaction when we ask how the rows stand: the answer must wait for it."""
    cluster = make_cluster(database=database)
    workflows = cluster.workflows(20)
    monitor = cluster.db.clone()
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        run = about_to_commit(cluster, proxy, workflows[0], lambda: proxy.cut_and_hold(
            COMMIT[database], lambda: until(lambda: waits_for_a_row(monitor))))
        result = run.finish(0)
        assert proxy.fired.is_set()
    cluster.assert_failed_over_once(workflows, result.master["stamp"])
    assert result.workflows["failed_over"] == len(workflows) and result.workflows["skipped"] == {}
    assert list(cluster.registry.marks()) == [f"{DEAD}-unknown-unknown"]
