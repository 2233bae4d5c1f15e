"""Failovers against masters that answer, on real registries and databases: what is held is left, what nobody
holds is failed over, and nothing is asked in vain."""

import pytest

from support.cluster import DEAD, HOUR, MINUTE, MARKS, ago, until
from support.stand_ins import stand_ins

PAIRS = [("zookeeper", "postgresql"), ("etcd", "mariadb"), ("jdbc", "sqlite")]


@pytest.fixture
def stand_in():
    with stand_ins() as make:
        yield make


class Answering:
    """A cluster with two masters that answer, each of which has a workflow that it must hold."""

    def __init__(self, cluster, masters):
        self.cluster, self.masters, self.sessions = cluster, masters, {}
        for master in masters:
            self.sessions[master.address] = cluster.register(master.address,
                                                             startup_time=ago(2 * HOUR)).session
            own = cluster.workflow(host=master.address, start=ago(30 * MINUTE))
            cluster.task(own, state=7, submit=ago(MINUTE))
            master.holds.add(own)

    def resumed(self):
        """In doubt by its row: somebody resumed it."""
        workflow = self.cluster.workflow(command_type=3, start=ago(50 * MINUTE))
        self.cluster.task(workflow, state=7, submit=ago(45 * MINUTE))
        return workflow

    def fail_over(self, *arguments, **options):
        # No lock is held, and a second is time enough for stand-ins.
        return self.cluster.failover_master("--ask", "doubtful", "--ask-timeout", "1s", *arguments, **options)


@pytest.fixture
def two(stand_in):
    return [stand_in(host="127.0.1.2"), stand_in(host="127.0.1.3")]


@pytest.fixture(params=PAIRS, ids="-".join)
def its(request, make_cluster, two):
    return Answering(make_cluster(*request.param, living=False), two)


@pytest.fixture
def one_pair(make_cluster, two):
    return Answering(make_cluster("zookeeper", "postgresql", living=False), two)


def items(result):
    return {item["id"]: item for item in result["masters"][0]["workflows"]["items"]}


def test_held_is_left_and_what_nobody_holds_is_failed_over(its):
    held, forgotten = its.resumed(), its.resumed()
    plain = its.cluster.workflow(start=ago(50 * MINUTE))
    its.masters[1].holds.add(held)
    before = its.cluster.instance(held)
    result = its.fail_over(code=0)
    stamp = result["masters"][0]["stamp"]
    its.cluster.assert_failed_over_once([forgotten, plain], stamp)
    assert its.cluster.instance(held) == before
    assert items(result)[held]["held_by"] == its.masters[1].address
    assert items(result)[held]["reason"] == "running_elsewhere"
    assert items(result)[forgotten]["reason"] == "not_held"
    assert its.cluster.mark_value()
    for master in its.masters:
        assert plain not in master.asked and {held, forgotten} <= set(master.asked)
        assert not master.faults
    # Not once more, and within moments.
    with its.cluster.nothing_changes():
        its.fail_over(code=0)


def test_without_asking_the_same_is_in_doubt(its):
    held, forgotten = its.resumed(), its.resumed()
    its.masters[1].holds.add(held)
    with its.cluster.nothing_changes():
        result = its.cluster.failover_master("--ask", "none", code=3)
    assert result["masters"][0]["workflows"]["skipped"] == {"in_doubt": 2}
    assert result["masters_asked"] is None and not any(master.asked for master in its.masters)


def test_a_dry_run_says_what_one_answer_would_make_of_it(one_pair):
    held, forgotten = one_pair.resumed(), one_pair.resumed()
    one_pair.masters[0].holds.add(held)
    with one_pair.cluster.nothing_changes():
        result = one_pair.fail_over("--dry-run", code=0)
    assert items(result)[forgotten]["outcome"] == "planned"
    assert items(result)[forgotten]["reason"] == "not_held_once"


def test_a_silent_master_leaves_the_doubt_and_is_named(make_cluster, stand_in):
    masters = [stand_in(host="127.0.1.2"), stand_in(host="127.0.1.3", manner="silent")]
    its = Answering(make_cluster("zookeeper", "postgresql", living=False), masters)
    its.resumed()
    with its.cluster.nothing_changes():
        result = its.fail_over(code=3)
    assert masters[1].address in result.said and "not answered within 1s" in result.said


def test_a_master_that_takes_it_between_question_and_commit_keeps_it(one_pair):
    """With its command first, as real ones do: under the locks no master holds it, before the commit one does."""
    taken, plain = one_pair.resumed(), one_pair.cluster.workflow(start=ago(50 * MINUTE))
    master = one_pair.masters[0]

    class Held(set):  # from the second question on
        def __contains__(self, workflow):
            if workflow == taken and master.asked.count(taken) > 1:
                return True
            return super().__contains__(workflow)

    master.holds = Held(master.holds)
    result = one_pair.fail_over(code=0)
    assert items(result)[taken]["reason"] == "running_elsewhere"
    assert one_pair.cluster.state(taken) == 1 and taken not in one_pair.cluster.commands_per_workflow()
    one_pair.cluster.assert_failed_over_once([plain])


def test_nobody_is_asked_where_nothing_is_in_doubt(one_pair):
    workflow = one_pair.cluster.workflow(start=ago(50 * MINUTE))
    result = one_pair.fail_over(code=0)
    one_pair.cluster.assert_failed_over_once([workflow])
    assert all(master.connections == 0 for master in one_pair.masters)
    assert result["masters_asked"] is None and result["masters"][0]["old_process"] == "nothing"


def test_an_old_process_that_still_runs_its_workflows_is_not_gone(one_pair, stand_in):
    host, port = DEAD.split(":")
    old = stand_in(host=host, port=int(port))
    workflow = one_pair.cluster.workflow(start=ago(50 * MINUTE))
    old.holds.add(workflow)
    result = one_pair.fail_over(code=4)
    assert result["masters"][0]["old_process"] == "holds"
    assert one_pair.cluster.state(workflow) == 1 and not one_pair.cluster.registry.marks()

    startup = ago(2 * HOUR)
    run = one_pair.cluster.start("failover-master", DEAD, "--ask", "doubtful", "--startup-time", startup,
                                 "--process-id", 4711)
    mark = f"{MARKS}/{DEAD}-{startup}-4711"
    until(lambda: one_pair.cluster.registry.get(mark) == "0")
    old.holds.clear()  # it obeys
    result = run.finish(0)
    one_pair.cluster.assert_failed_over_once([workflow])
    assert one_pair.cluster.registry.get(mark) == str(result["masters"][0]["deadline"])


def test_a_leaked_lock_is_passed_where_every_master_answers(its):
    held, gone = (its.cluster.workflow(start=ago(5 * MINUTE)) for _ in range(2))
    holder = its.masters[0]
    holder.holds.add(held)
    its.cluster.registry.lock(DEAD, session=its.sessions[holder.address]).wait()
    its.cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-1", ago(6 * HOUR))
    result = its.fail_over("--lock-timeout", "2s", code=0)
    assert "looks leaked" in result.said
    its.cluster.assert_failed_over_once([gone])
    assert items(result)[held]["held_by"] == holder.address and its.cluster.state(held) == 1
