"""Commands one after the other, while masters recover: what runs again never gets a second command.

A master of 3.3.0 leaves host and restart_time as they are, so that the rows alone do not tell.
"""

import itertools
import re

import pytest

from support import databases
from support.cluster import (DEAD, DEAD_WORKER, HOUR, MINUTE, OTHER_DEAD, SimulatedMaster, ago, now_ms)
from support.registries import LOCKS, STAMPS

COMMANDS = {
    "failover-master": ("failover-master", DEAD),
    "failover-worker": ("failover-worker", DEAD_WORKER, "--wait", "0s"),
    "global": ("global",),
    "requeue": ("requeue",),
}
PAIRS = list(itertools.product(COMMANDS, COMMANDS))
COMMANDS["redispatch"] = ("failover-worker", DEAD_WORKER, "--redispatch", "--wait", "0s")
PAIRS += [("redispatch", "failover-master"), ("redispatch", "redispatch"), ("requeue", "redispatch")]
ELSEWHERE = [("jdbc", "postgresql"), ("etcd", "mariadb")]
AGAIN = [("requeue", "failover-master"), ("failover-master", "failover-master"), ("global", "failover-master")]
SCENARIOS = ([("zookeeper", "sqlite", *pair) for pair in PAIRS]
             + [(*servers, *pair) for servers in ELSEWHERE for pair in AGAIN])


class Dead:
    """A dead master's workflows: some were running, and some lost their command when it failed them over."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.running = cluster.workflows(2) + [cluster.workflow(state=4)]
        self.lost = cluster.workflows(2, state=18)
        self.all = self.running + self.lost
        for workflow in self.all:
            cluster.task(workflow, submit=ago(30 * MINUTE))
        self.master = SimulatedMaster(cluster, dispatches=True)

    def do(self, name, *arguments, **options):
        result = self.cluster.run(*COMMANDS[name], *arguments, **options)
        assert result.code in (0, 3), result
        return result

    def assert_none_got_a_second_command(self):
        waiting = self.cluster.commands_per_workflow()
        given = {w: self.master.consumed.count(w) + waiting.get(w, 0) for w in self.all}
        assert set(given.values()) <= {0, 1}, given
        assert not self.master.problems, "a master took a command for a workflow that it runs"
        return {w for w, count in given.items() if count}


def evidence(cluster):
    """All that later runs conclude something from; not who is connected, nor a lock's empty folder."""
    found = cluster.registry.snapshot()
    if cluster.registry.type == "jdbc":
        found = {row["data_key"]: row["data_value"] for row in found["data"]}
    passing = (LOCKS.lstrip("/"), "dsfailover/runs")
    return {path: value for path, value in found.items() if not any(each in path for each in passing)}


@pytest.mark.parametrize("registry, database, first, second", SCENARIOS, ids=map("-".join, SCENARIOS))
def test_a_second_command_finds_what_the_first_one_recovered(make_cluster, registry, database, first, second):
    cluster = make_cluster(registry, database)
    dead = Dead(cluster)
    dead.do(first)
    assert dead.master.consume_all() == len(dead.assert_none_got_a_second_command())
    for name in (second, first):
        dead.do(name)
        dead.assert_none_got_a_second_command()
        dead.master.consume_all()
    # Each did its part, whatever the other one did.
    expected = set(dead.lost if "requeue" in (first, second) else [])
    if {first, second} != {"requeue"}:
        expected |= set(dead.running)
    assert dead.assert_none_got_a_second_command() == expected


def test_what_nobody_took_yet_gets_no_second_one_either(make_cluster):
    for pair in PAIRS[::3]:
        cluster = make_cluster()
        dead = Dead(cluster)
        for name in pair:
            dead.do(name)
        dead.assert_none_got_a_second_command()


@pytest.mark.parametrize("name", ["failover-master", "global"])
@pytest.mark.parametrize("registry, database", [("zookeeper", "sqlite"), *ELSEWHERE])
def test_verified_by_the_same_command_again(make_cluster, registry, database, name):
    cluster = make_cluster(registry, database)
    workflows = cluster.workflows(4)
    master = SimulatedMaster(cluster, dispatches=True)
    cluster.run(*COMMANDS[name], code=0)
    assert master.consume_all() == 4
    before, rows = evidence(cluster), cluster.instances()
    for _ in range(3):
        again = cluster.run(*COMMANDS[name], code=0)
        assert again["outcome"] in ("already_failed_over", "nothing_to_do")
        for section in again["masters"]:
            assert section["workflows"]["failed_over"] == 0
            assert set(section["workflows"]["skipped"]) <= {"running_elsewhere"}, section
            assert not (section["mark"] or {}).get("written")
        assert evidence(cluster) == before and cluster.instances() == rows and not cluster.commands()
    [seen] = [each for each in cluster.run("status", code=0)["needs_failover"] if each["address"] == DEAD]
    assert (seen["running_elsewhere"], seen["in_doubt"], seen["workflows"]) == (len(workflows), 0, 0)
    master.db.close()


def test_a_slip_of_the_address_ages_no_evidence(cluster):
    """Nobody ever had these addresses."""
    workflow = cluster.workflow()
    cluster.failover_master(code=0)
    master = SimulatedMaster(cluster, dispatches=True)
    assert master.consume_all() == 1
    master.db.close()
    before = evidence(cluster)
    cluster.failover_master(address="127.0.1.77:5678", code=3)
    cluster.run("failover-worker", "127.0.2.77:1234", "--wait", "0s", code=3)
    assert evidence(cluster) == before
    result = cluster.failover_master(code=0)
    assert result.workflows["skipped"] == {"running_elsewhere": 1} and cluster.state(workflow) == 1


@pytest.mark.parametrize("name", ["failover-master", "global", "failover-worker"])
@pytest.mark.parametrize("host", ["gone", "restarted"])
def test_requeued_and_recovered_it_is_known_again(cluster, name, host):
    """State 18 without a command, mark or stamp; requeue; a master of 3.3.0 recovers it."""
    workflow = cluster.workflow(state=18)
    cluster.task(workflow, submit=ago(HOUR // 2))
    cluster.run("requeue", workflow, code=0)
    master = SimulatedMaster(cluster, dispatches=True)
    assert master.consume_all() == 1
    if host == "restarted":
        cluster.register(DEAD, startup_time=ago(10 * MINUTE))
        if name == "failover-master":
            name = "global"
    for _ in range(2):
        result = cluster.run(*COMMANDS[name], code=(0, 3))
        assert cluster.state(workflow) == 1 and not cluster.commands(), result
    master.db.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb"])
def test_requeue_says_in_registry_and_row_that_it_was_here(make_cluster, database):
    """The row is written, so that two nodes of a multi-primary database see each other's."""
    cluster = make_cluster(database=database)
    workflow, other = cluster.workflow(state=18), cluster.workflow(state=18, host=OTHER_DEAD)
    begun = now_ms()
    cluster.run("requeue", workflow, other, code=0)
    for each, host in ((workflow, DEAD), (other, OTHER_DEAD)):
        stamp = cluster.restart_ms(each)
        assert stamp is not None and begun - 1000 <= stamp <= now_ms() + 1000
        assert str(stamp) in cluster.registry.get(f"{STAMPS}/{host}")
    assert cluster.registry.marks() == {}


# -- too early to tell


def handed_over(cluster, age, how):
    """A workflow that got another master `age` milliseconds ago and has shown no life since."""
    if how == "stamp":
        moment = ago(age) // 1000 * 1000
        cluster.registry.put(f"{STAMPS}/{DEAD}", str(moment))
        workflow = cluster.workflow(start=ago(2 * HOUR), restart=moment)
    else:
        cluster.registry.mark(f"{DEAD}-{ago(9 * HOUR)}-5", ago(age))
        workflow = cluster.workflow(start=ago(2 * HOUR))
    cluster.task(workflow, state=1, submit=ago(HOUR))
    return workflow


@pytest.mark.parametrize("how", ["stamp", "mark"])
@pytest.mark.parametrize("name", ["failover-master", "global"])
def test_four_minutes_long_it_is_settling(cluster, how, name):
    workflow = handed_over(cluster, 3 * MINUTE, how)
    with cluster.nothing_changes():
        result = cluster.run(*COMMANDS[name], code=3)
    assert result.master_of(DEAD)["workflows"]["skipped"] == {"settling": 1}
    [when] = set(re.findall(r"look again at (\S+Z|\S+[+-]\d\d:\d\d)", "\n".join(result["errors"])))
    assert abs(databases.to_epoch_ms(when[:19]) - ago(-MINUTE)) < 10_000
    # Nobody advises to fail it over.
    assert "--in-doubt" not in "\n".join(result["errors"])
    with cluster.nothing_changes():
        cluster.run(*COMMANDS[name], "--in-doubt", "all", code=3)
    cluster.run(*COMMANDS[name], "--in-doubt", workflow, code=0)
    cluster.assert_failed_over_once([workflow])


@pytest.mark.parametrize("how", ["stamp", "mark"])
def test_then_it_is_in_doubt(cluster, how):
    workflow = handed_over(cluster, 5 * MINUTE, how)
    result = cluster.failover_master(code=3)
    assert result.workflows["skipped"] == {"in_doubt": 1}
    cluster.failover_master("--in-doubt", "all", code=0)
    cluster.assert_failed_over_once([workflow])


@pytest.mark.parametrize("how", ["stamp", "mark"])
def test_a_sign_of_life_settles_it(cluster, how):
    workflow = handed_over(cluster, 3 * MINUTE, how)
    cluster.task(workflow, name="next", submit=ago(2 * MINUTE))
    result = cluster.failover_master(code=0)
    assert result.workflows["skipped"] == {"running_elsewhere": 1}
