"""failover-workflow against stand-ins of masters: what is written, and what is asked before.

The rules are in tests/coordinator; here is what servers, sockets and databases have to do with it."""

import json

import pytest

from support.cluster import DEAD, HOUR, MINUTE, ago
from support.stand_ins import stand_ins

ASK = ("--ask", "--ask-timeout", "2s", "--grace", "0s")


@pytest.fixture
def stand_in():
    with stand_ins() as make:
        yield make


def outcomes(result):
    """What became of each workflow of the report."""
    sections = [*result["masters"], result["others"]]
    return {item["id"]: item["reason"] if item["outcome"] == "skipped" else item["outcome"]
            for section in sections for item in section["workflows"]["items"]}


def test_one_workflow_of_each_kind(make_cluster, stand_in, tmp_path):
    cluster = make_cluster("zookeeper", "postgresql", living=False)
    master = stand_in(host="127.0.1.2")
    cluster.register(master.address, startup_time=ago(2 * HOUR))
    held, forgotten, other = (cluster.workflow(host=master.address, start=ago(30 * MINUTE)) for _ in range(3))
    cluster.task(held, state=7, submit=ago(MINUTE))
    master.holds |= {held, other}
    hostless, empty = cluster.workflow(host=None, start=ago(HOUR)), cluster.workflow(host="", start=ago(HOUR), state=4)
    gone, beside = cluster.workflows(2, start=ago(HOUR))
    named = (held, forgotten, hostless, empty, gone, 999_999)
    before = cluster.instances()

    with cluster.nothing_changes():
        planned = cluster.run("failover-workflow", *named, "--dry-run", *ASK, code=4)
    assert outcomes(planned) == {
        held: "running_elsewhere", 999_999: "unknown",
        **dict.fromkeys((forgotten, hostless, empty, gone), "planned")}

    log = tmp_path / "audit.jsonl"
    result = cluster.run("failover-workflow", *named, "--audit-log", log, *ASK, code=4)
    assert result["outcome"] == "partial" and f"{master.address} holds it" in result.said
    assert outcomes(result) == {
        held: "running_elsewhere", 999_999: "unknown",
        **dict.fromkeys((forgotten, hostless, empty, gone), "failed_over")}
    at_living, at_gone = (next(each for each in result["masters"] if each["address"] == address)
                          for address in (master.address, DEAD))
    assert at_living["alive"] and at_living["mark"] is None and at_gone["mark"] is None
    assert result["others"]["host"] == master.address
    cluster.assert_failed_over_once([forgotten], at_living["stamp"])
    cluster.assert_failed_over_once([hostless, empty], result["others"]["stamp"])
    cluster.assert_failed_over_once([gone], at_gone["stamp"])
    after = cluster.instances()
    assert {id_: row["host"] for id_, row in after.items()} == {
        **{id_: row["host"] for id_, row in before.items()}, **dict.fromkeys((hostless, empty, gone), master.address)}
    for left in (held, other, beside):
        assert after[left] == before[left]
    assert cluster.mark_value() is None
    written = [(line["action"], line.get("id")) for line in map(json.loads, log.read_text().splitlines())
               if line["kind"] == "workflow"]
    assert sorted(written) == sorted([("failed_over", id_) for id_ in (forgotten, hostless, empty, gone)]
                                     + [("rehosted", id_) for id_ in (hostless, empty)])
