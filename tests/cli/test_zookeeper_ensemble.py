"""An ensemble of three: a follower that no longer hears of its leader, a leader that dies."""

import time

import pytest

from support import registries
from support.cluster import DEAD, Cluster, until
from support.databases import Sqlite
from support.servers import ZooKeeperEnsemble

pytestmark = pytest.mark.slow

MANY = 20_000


@pytest.fixture(scope="module", name="ensemble")
def _ensemble():
    with ZooKeeperEnsemble() as started:
        yield started


class Others:
    """The members that the follower to be cut off is none of."""

    def __init__(self, ensemble):
        self.address = ",".join(member.address for member in ensemble.members[1:])

    def url(self, namespace):
        return f"zookeeper://{self.address}{namespace}"


@pytest.fixture
def cluster(ensemble, tmp_path):
    made = Cluster(registries.ZooKeeper(Others(ensemble)), Sqlite(tmp_path / "ds.db"))
    yield made
    made.close()


def of_member(cluster, member):
    return ["--registry", member.url(cluster.registry.namespace), "--database", cluster.db.url]


def test_a_follower_that_lags_behind_does_not_answer_stale(cluster, ensemble):
    """The master comes back while we wait, and only our server does not hear of it."""
    workflow = cluster.workflow()
    follower = ensemble.members[0]
    run = cluster.start("failover-master", DEAD, options=of_member(cluster, follower),
                        environment={"DSFAILOVER_GRACE": "4s"})
    until(lambda: "--grace" in run.stderr_so_far())
    ensemble.cut_off()
    try:
        cluster.register(DEAD)
        result = run.finish(timeout=90)
    finally:
        ensemble.rejoin()
    assert result.code in (1, 4, 5, 6) and result["errors"], result
    assert not cluster.commands() and cluster.state(workflow) == 1 and cluster.registry.marks() == {}


def test_the_leader_lost_in_the_middle(cluster, ensemble):
    workflows = cluster.workflows(MANY)
    until(lambda: all("Mode:" in member.four_letters("srvr") for member in ensemble.members), 60)
    run = cluster.start("failover-master", DEAD,
                        options=["--registry", ensemble.url(cluster.registry.namespace), "--database", cluster.db.url])
    until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
    leader = ensemble.leader()
    leader.kill()
    try:
        result = run.finish(timeout=90)
        commands = cluster.commands_per_workflow()
        assert set(commands.values()) == {1}
        assert result.workflows["failed_over"] == len(commands)
        if result.code:
            assert result["errors"] and cluster.registry.marks() == {}
            time.sleep(1)
            cluster.failover_master("--lock-timeout", "60s", code=0, options=[
                "--registry", ensemble.url(cluster.registry.namespace), "--database", cluster.db.url])
        cluster.assert_failed_over_once(workflows)
        assert len(cluster.registry.marks()) == 1
    finally:
        leader.start()
