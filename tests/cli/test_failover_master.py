"""What failover-master does to a dead master's workflows, and leaves alone."""

import json
import re

import pytest

from support import audit, databases, program, servers
from support.cluster import (ALIVE, DEAD, HOUR, MINUTE, OTHER_DEAD, SECOND, STATE_NAMES, STATES, ago,
                             command_param, now_ms, until)
from support.registries import LOCKS, MARKS, STAMPS

FAILED_OVER = {1, 2, 4}
LEFT_ALONE = {"state", "restart_time"}  # the only columns a failover may touch


@pytest.fixture(params=["3.3.0", "3.3.1"])
def release(request):
    return request.param


@pytest.fixture
def one_of_each(make_cluster, release):
    """A dead master with a workflow in every state."""
    cluster = make_cluster(release=release)
    workflows = {state: cluster.workflow(state=state) for state in STATES.values()}
    return cluster, workflows


def test_fails_over_exactly_states_1_2_and_4(one_of_each):
    cluster, workflows = one_of_each
    result = cluster.failover_master(code=0)
    for state, workflow in workflows.items():
        expected = 18 if state in FAILED_OVER else state
        assert cluster.state(workflow) == expected, STATE_NAMES[state]
    assert cluster.commands_per_workflow() == {workflows[state]: 1 for state in FAILED_OVER}
    assert result["outcome"] == "completed"
    assert result.workflows["selected"] == result.workflows["failed_over"] == 3


def test_touches_nothing_but_state_and_restart_time(one_of_each):
    cluster, workflows = one_of_each
    before = cluster.instances()
    tasks = cluster.db.rows("SELECT * FROM t_ds_task_instance ORDER BY id")
    result = cluster.failover_master(code=0)
    stamp = result.master["stamp"]
    for workflow, row in cluster.instances().items():
        changed = {column for column in row if row[column] != before[workflow][column]}
        failed_over = before[workflow]["state"] in FAILED_OVER and row["host"] == DEAD
        assert changed == (LEFT_ALONE if failed_over else set()), row
        if failed_over:
            assert databases.to_epoch_ms(row["restart_time"]) == stamp
    assert cluster.db.rows("SELECT * FROM t_ds_task_instance ORDER BY id") == tasks


def test_the_command_row_is_the_reference_s(one_of_each, release):
    cluster, workflows = one_of_each
    begun = now_ms()
    cluster.failover_master(code=0)
    ended = now_ms()
    commands = {row["workflow_instance_id"]: row for row in cluster.commands()}
    for state in FAILED_OVER:
        instance = cluster.instance(workflows[state])
        row = commands[workflows[state]]
        updated = databases.to_epoch_ms(row.pop("update_time"))
        assert begun <= updated <= ended
        row.pop("id")
        expected = {
            "command_type": 2, "workflow_definition_code": instance["workflow_definition_code"],
            "command_param": command_param(state), "task_depend_type": 2, "failure_strategy": 1,
            "warning_type": 0, "warning_group_id": None, "schedule_time": None, "start_time": None,
            "executor_id": 0, "workflow_instance_priority": 2, "worker_group": None,
            "tenant_code": "default", "environment_code": -1, "dry_run": 0,
            "workflow_instance_id": workflows[state], "workflow_definition_version": 3,
        }
        if release == "3.3.0":
            expected["test_flag"] = 0
        assert row == expected


def test_the_report_says_what_was_done(one_of_each):
    cluster, workflows = one_of_each
    result = cluster.failover_master(code=0)
    assert result["command"] == "failover-master"
    assert result["dry_run"] is False
    assert result["registry"] == {"type": "zookeeper", "namespace": cluster.registry.namespace,
                                  "endpoint": result["registry"]["endpoint"]}
    assert cluster.registry.server.address in result["registry"]["endpoint"]
    assert result["database"]["type"] == "sqlite"
    assert cluster.db.path in result["database"]["endpoint"]
    assert result["event"]["type"] == "MasterFailoverEvent"
    assert result["event"]["address"] == DEAD
    assert result["duration_ms"] >= 0
    master = result.master
    assert master["address"] == DEAD and master["alive"] is False and master["outcome"] == "completed"
    assert master["lock"]["path"].endswith(f"{LOCKS}/{DEAD}")
    assert master["deadline"] <= master["stamp"]
    commands = {row["workflow_instance_id"]: row["id"] for row in cluster.commands()}
    done = result.items("id", "name", "previous_state", "outcome", "command_id")
    for state in FAILED_OVER:
        workflow = workflows[state]
        assert (workflow, cluster.instance(workflow)["name"], STATE_NAMES[state], "failed_over",
                commands[workflow]) in done
    assert master["workflows"]["items_omitted"] == 0


def test_the_mark_is_the_deadline_under_the_unknown_name(one_of_each):
    cluster, _ = one_of_each
    begun = now_ms()
    result = cluster.failover_master(code=0)
    mark = result.master["mark"]
    assert mark["path"].endswith(f"{MARKS}/{DEAD}-unknown-unknown")
    assert mark["written"] is True and mark["previous_value"] is None
    assert mark["value"] == result.master["deadline"]
    assert begun <= mark["value"] <= now_ms()
    assert cluster.registry.marks() == {f"{DEAD}-unknown-unknown": str(mark["value"])}
    # Without an identity the old process, should it live after all, finds no mark of its own.
    assert re.search(r"fence|fenced", "\n".join(result["warnings"]))


def test_with_startup_time_and_process_id_the_mark_is_the_exact_one(one_of_each):
    cluster, _ = one_of_each
    started = ago(5 * HOUR)
    result = cluster.failover_master("--startup-time", started, "--process-id", 4711, code=0)
    assert list(cluster.registry.marks()) == [f"{DEAD}-{started}-4711"]
    assert cluster.mark_value(f"{DEAD}-{started}-4711") == str(result.master["deadline"])
    assert not re.search(r"not fenced", "\n".join(result["warnings"]))


def test_kazoo_sees_a_plain_persistent_mark(cluster):
    cluster.workflow()
    cluster.failover_master(code=0)
    value, stat = cluster.registry.client.get(
        cluster.registry.full(f"{MARKS}/{DEAD}-unknown-unknown"))
    assert value.isdigit() and stat.ephemeralOwner == 0 and stat.version == 0


def test_the_stamp_is_in_the_registry_before_the_first_commit(cluster):
    workflow = cluster.workflow()
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")  # nobody else commits now
    run = cluster.start("failover-master", DEAD)
    stamps = until(lambda: cluster.registry.stamps(DEAD))
    assert cluster.state(workflow) == 1 and not cluster.commands()
    writer.execute("ROLLBACK")
    result = run.finish(0)
    assert stamps == [result.master["stamp"]] == cluster.registry.stamps(DEAD)
    stat = cluster.registry.client.exists(cluster.registry.full(f"{STAMPS}/{DEAD}"))
    assert stat.ephemeralOwner == 0


def test_the_lock_looks_as_curator_would_leave_it(cluster):
    cluster.workflow()
    registry = cluster.registry
    writer = cluster.db.clone()
    writer.execute("BEGIN IMMEDIATE")
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    names = registry.client.get_children(registry.full(f"{LOCKS}/{DEAD}"))
    value, stat = registry.client.get(registry.full(f"{LOCKS}/{DEAD}/{names[0]}"))
    writer.execute("ROLLBACK")
    run.finish(0)
    assert len(names) == 1
    assert re.fullmatch(r"_c_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-lock-\d{10}", names[0])
    assert stat.ephemeralOwner != 0
    assert re.fullmatch(r"[0-9.]+|[0-9a-f:]+", value.decode())
    until(lambda: not registry.folder(f"{LOCKS}/{DEAD}"))
    # The parents are containers, as Curator makes them: empty ones are the server's to remove.
    until(lambda: registry.client.exists(registry.full("/lock")) is None)


def test_a_second_run_with_the_same_event_touches_nothing(one_of_each):
    cluster, _ = one_of_each
    event_time = now_ms() - SECOND
    cluster.failover_master("--event-time", event_time, code=0)
    with cluster.nothing_changes():
        again = cluster.failover_master("--event-time", event_time, code=0)
    assert again["outcome"] == "already_failed_over"
    assert again.master["mark"]["written"] is False
    assert again.workflows["failed_over"] == 0


def test_a_second_run_without_an_event_time_touches_nothing(one_of_each):
    cluster, _ = one_of_each
    cluster.failover_master(code=0)
    with cluster.nothing_changes():
        again = cluster.failover_master(code=0)
    assert again["outcome"] in ("already_failed_over", "nothing_to_do")


def test_the_exact_and_the_unknown_mark_count_alike(cluster):
    cluster.workflow()
    cluster.failover_master(code=0)
    cluster.registry.mark(f"{DEAD}-{(startup := ago(5 * HOUR))}-1", 0)
    with cluster.nothing_changes():
        again = cluster.failover_master("--startup-time", startup, "--process-id", 1, code=0)
    assert again["outcome"] == "already_failed_over"


def test_nothing_selected_writes_no_mark_and_makes_none_newer(cluster):
    cluster.registry.mark(f"{DEAD}-unknown-unknown", old := ago(3 * HOUR))
    cluster.workflow(start=ago(4 * HOUR))  # in doubt by that mark
    with cluster.nothing_changes():
        result = cluster.failover_master(code=3)
    assert result.workflows["skipped"] == {"in_doubt": 1}
    assert result.master["mark"] == {"path": f"{MARKS}/{DEAD}-unknown-unknown", "value": old,
                                     "previous_value": old, "written": False}


def test_an_exact_process_without_a_mark_gets_a_fence_alone(cluster):
    startup = ago(5 * HOUR)
    process = ("--startup-time", startup, "--process-id", 77)
    name = f"{DEAD}-{startup}-77"
    cluster.workflow(state=7)
    dry = cluster.failover_master(*process, "--dry-run", code=0)
    assert dry.master["mark"] == {"path": f"{MARKS}/{name}", "value": 0, "previous_value": None,
                                  "written": False}
    begun = now_ms()
    result = cluster.failover_master(*process, "--grace", "2s", code=0)
    assert now_ms() - begun >= 2000
    assert result["outcome"] == "nothing_to_do" and cluster.registry.marks() == {name: "0"}
    assert result.master["mark"] == {**dry.master["mark"], "written": True}
    with cluster.nothing_changes():
        cluster.failover_master(*process, "--grace", "20s", code=0)


def test_a_repeated_run_needs_no_lock(cluster):
    cluster.workflow()
    cluster.failover_master(code=0)
    lock = cluster.registry.lock(DEAD).wait()
    result = cluster.failover_master("--lock-timeout", "20s", "--grace", "20s", code=0)
    assert result["outcome"] == "already_failed_over" and result.seconds < 10
    lock.release()


def test_a_mark_alone_does_not_end_a_run(cluster):
    # A mark of the very deadline stands there, and a workflow is left all the same.
    workflow = cluster.workflow(start=ago(HOUR))
    event_time = ago(SECOND)
    cluster.registry.mark(f"{DEAD}-unknown-unknown", event_time - 2 * HOUR)
    result = cluster.failover_master("--event-time", event_time, code=0)
    cluster.assert_failed_over_once([workflow])
    assert result.master["mark"]["previous_value"] in (event_time - 2 * HOUR, str(event_time - 2 * HOUR))


def test_a_mark_is_never_replaced_by_an_earlier_value(make_cluster):
    cluster = make_cluster(release="3.3.1")  # there a newer mark raises no doubt
    workflow = cluster.workflow(start=ago(3 * HOUR))
    later = now_ms() - MINUTE
    cluster.registry.mark(f"{DEAD}-unknown-unknown", later)
    cluster.failover_master("--event-time", ago(2 * HOUR))
    assert int(cluster.mark_value()) >= later
    assert cluster.state(workflow) == 18


def test_other_hosts_workflows_are_left_alone(cluster):
    address = "s-1.invalid:5678"
    mine = cluster.workflow(host=address)
    others = [cluster.workflow(host=host) for host in
              (ALIVE, OTHER_DEAD, "s-1.invalid:56780", "ds-1.invalid:5678", "s-1.invalid", None, "")]
    cluster.failover_master(address=address, code=(0, 3))
    cluster.assert_failed_over_once([mine])
    assert set(cluster.states(others).values()) == {1}


def test_nothing_to_do_leaves_everything_as_it_is(cluster):
    cluster.workflow(state=7)
    result = cluster.failover_master(code=0)
    assert result["outcome"] in ("nothing_to_do", "completed")
    assert result.workflows["selected"] == 0
    assert not cluster.commands()


def test_an_instance_with_neither_time_is_selected_at_an_address_that_is_gone(cluster):
    workflow = cluster.workflow(start_time=None)
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])


def test_restart_time_decides_where_it_is_set(cluster):
    event_time = ago(10 * MINUTE)
    before = cluster.workflow(start=ago(2 * HOUR), restart=ago(HOUR))
    after = cluster.workflow(start=ago(2 * HOUR), restart=ago(5 * MINUTE))
    result = cluster.failover_master("--event-time", event_time)
    assert cluster.state(before) == 18 and cluster.state(after) == 1
    assert result.workflows["skipped"] == {"started_after_deadline": 1}
    assert (after, "skipped", "started_after_deadline") in result.items("id", "outcome", "reason")


def test_the_millisecond_decides(cluster):
    event_time = ago(10 * MINUTE)
    before = cluster.workflow(start=event_time - 1)
    at = cluster.workflow(start=event_time)
    cluster.failover_master("--event-time", event_time)
    assert cluster.state(before) == 18 and cluster.state(at) == 1


@pytest.mark.parametrize("form", ["{ms}", "{rfc}"])
def test_event_time_as_milliseconds_or_rfc_3339(cluster, form):
    cluster.workflow()
    event_time = ago(10 * MINUTE)
    rfc = databases.to_text(event_time).replace(" ", "T") + "Z"
    result = cluster.failover_master("--event-time", form.format(ms=event_time, rfc=rfc), code=0)
    assert result.master["deadline"] == event_time == result["event"]["event_time"]


def test_rfc_3339_with_an_offset(cluster):
    cluster.workflow()
    event_time = ago(10 * MINUTE)
    rfc = databases.to_text(event_time + 8 * HOUR).replace(" ", "T") + "+08:00"
    assert cluster.failover_master("--event-time", rfc, code=0).master["deadline"] == event_time


@pytest.mark.parametrize("given", ["[::1]:5678", "0:0:0:0:0:0:0:1:5678"])
def test_an_ipv6_master(cluster, given):
    address = "0:0:0:0:0:0:0:1:5678"  # as Java writes it
    workflow = cluster.workflow(host=address)
    cluster.failover_master(address=given, code=0)
    cluster.assert_failed_over_once([workflow])
    assert list(cluster.registry.marks()) == [f"{address}-unknown-unknown"]


def test_a_kubernetes_name_with_dashes(cluster):
    address = "dolphinscheduler-master-0.dolphinscheduler-master-headless.invalid:5678"
    workflow = cluster.workflow(host=address)
    # A mark of another pod whose name begins alike is none of this one's.
    cluster.registry.mark("dolphinscheduler-master-0.dolphinscheduler-master-headless.invalid:56789-1-2", now_ms())
    cluster.failover_master(address=address, code=0)
    cluster.assert_failed_over_once([workflow])
    assert f"{address}-unknown-unknown" in cluster.registry.marks()


def test_limit_leaves_the_rest_and_writes_no_mark(cluster):
    workflows = cluster.workflows(7)
    result = cluster.failover_master("--limit", 3, code=3)
    assert result["outcome"] == "partial"
    assert result.workflows["failed_over"] == 3
    assert len(cluster.commands()) == 3
    assert cluster.registry.marks() == {}
    assert cluster.failover_master("--limit", 3, code=3).workflows["failed_over"] == 3
    cluster.failover_master("--limit", 3, code=0)
    cluster.assert_failed_over_once(workflows)
    assert len(cluster.registry.marks()) == 1


def test_many_workflows_and_a_bounded_list_of_items(cluster):
    workflows = cluster.workflows(2500)
    result = cluster.failover_master("--items", 10, code=0)
    cluster.assert_failed_over_once(workflows, stamp=result.master["stamp"])
    assert result.workflows["failed_over"] == 2500
    assert len(result.workflows["items"]) == 10 and result.workflows["items_omitted"] == 2490


def test_the_audit_log_has_a_line_per_workflow(cluster, tmp_path):
    workflows = cluster.workflows(5)
    log = tmp_path / "audit.jsonl"
    log.write_text('{"earlier": "line"}\n')
    cluster.failover_master("--audit-log", log, code=0)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[0] == {"earlier": "line"}
    text = log.read_text()
    for workflow in workflows:
        assert re.search(rf"\b{workflow}\b", text)
    assert len(lines) >= 6
    assert "-unknown-unknown" in text  # the mark
    began, ended = lines[1], lines[-1]
    assert (began["kind"], began["action"], began["process_id"] > 0) == ("run", "began", True)
    assert {"user", "host", "version", "registry", "database"} <= began.keys()
    assert began["arguments"] == [DEAD] and f"--audit-log {log}" in began["options"]
    assert (ended["kind"], ended["action"], ended["outcome"], ended["exit_code"]) == ("run", "ended", "completed", 0)


def test_the_audit_log_has_runs_that_reached_no_cluster(tmp_path):
    log = tmp_path / "audit.jsonl"
    program.run("failover-master", DEAD, "--registry", "zookeeper://127.0.0.1:1/?connect-timeout=1s", "--database",
                "postgresql://ds@127.0.0.1:1/ds", "--audit-log", log, code=6)
    began, ended = map(json.loads, log.read_text().splitlines())
    assert (began["action"], began["arguments"], began["registry"]) == ("began", [DEAD], "zookeeper 127.0.0.1:1")
    assert began["database"] == "postgresql://127.0.0.1:1/ds"
    assert (ended["action"], ended["outcome"], ended["exit_code"]) == ("ended", "failed", 6)


def test_no_secret_gets_into_the_audit_log(make_cluster, tmp_path):
    cluster = make_cluster(database="postgresql")
    cluster.workflow()
    log = tmp_path / "audit.jsonl"
    url = cluster.db.url.replace(f"{servers.USER}@", f"{servers.USER}:{servers.PASSWORD}@")
    assert servers.PASSWORD in url
    cluster.run("failover-master", DEAD, "--audit-log", log, code=0,
                options=["--registry", cluster.registry.url, "--database", url])
    assert '"began"' in log.read_text() and servers.PASSWORD not in log.read_text()


def test_an_audit_log_that_is_a_link_is_refused(cluster, tmp_path):
    cluster.workflow()
    link = tmp_path / "audit.jsonl"
    link.symlink_to(tmp_path / "elsewhere.jsonl")
    assert "symbolic link" in cluster.failover_master("--audit-log", link, code=2).said
    assert not (tmp_path / "elsewhere.jsonl").exists() and cluster.commands() == []


def test_the_audit_log_is_written_as_things_are_committed(cluster, tmp_path):
    cluster.workflows(3)
    log = tmp_path / "audit.jsonl"
    run = cluster.start("failover-master", DEAD, "--audit-log", log, "--wait", "60s")
    until(lambda: cluster.registry.marks())
    until(lambda: "-unknown-unknown" in log.read_text())  # the mark, the last of all
    run.kill()
    assert log.read_text().count('"failed_over"') == 3


def test_an_audit_log_that_fails_half_way_stops_the_run_and_not_the_counting(cluster, tmp_path):
    cluster.workflows(2_500)  # three transactions
    log = audit.BreakingLog(tmp_path)
    run = cluster.start("failover-master", DEAD, "--audit-log", log.path, "--items", 10)
    log.break_behind("workflow")
    result = run.finish(1)
    assert len(cluster.commands()) == result.workflows["failed_over"] == 1000
    assert result.workflows["left"] == 2_500 - result.workflows["failed_over"]
    [error] = result["errors"]
    assert str(log.path) in error and "report tells all" in error
    assert cluster.registry.marks() == {}
    cluster.failover_master(code=0)
    assert len(cluster.commands()) == 2_500


def test_an_audit_log_that_takes_nothing_stops_the_run_before_its_first_commit(cluster):
    cluster.workflow()
    result = cluster.failover_master("--audit-log", "/dev/full", code=1)
    assert "No space left" in result["errors"][0] and len(result["errors"]) == 1
    assert result.workflows["failed_over"] == 0 and not cluster.commands()


def test_the_report_alone_is_on_stdout_and_the_table_is_for_people(cluster):
    cluster.workflow()
    dry = cluster.failover_master("--dry-run", "--format", "table", code=0)
    assert dry.report is None and DEAD in dry.stdout
    quiet = cluster.failover_master("--quiet", code=0)
    assert quiet.report is not None and quiet.stderr == ""


def test_names_with_anything_in_them_come_through(cluster):
    name = 'a"b\\c\n\x1b[31m d\t☃ \'; DROP TABLE t_ds_command; --'
    workflow = cluster.workflow(name=name)
    result = cluster.failover_master(code=0)
    assert (workflow, name) in result.items("id", "name")
    again = cluster.failover_master("--format", "table", code=0)
    assert "\x1b" not in again.stdout


def test_ownerless_instances_are_reported_and_never_guessed(cluster):
    lost = [cluster.workflow(host=None), cluster.workflow(host="")]
    cluster.workflow()
    result = cluster.failover_master(code=(0, 3))
    assert set(cluster.states(lost).values()) == {1}
    assert "ownerless" in result.said or "no host" in result.said


def refuse(cluster, workflows):
    """The database refuses to change these rows."""
    ids = ", ".join(map(str, workflows))
    if cluster.db.url.startswith("sqlite"):
        cluster.db.execute(f"CREATE TRIGGER refuse BEFORE UPDATE ON t_ds_workflow_instance WHEN NEW.id IN ({ids})"
                           " BEGIN SELECT RAISE(ABORT, 'not this row'); END")
        return
    cluster.db.execute("CREATE FUNCTION refuse() RETURNS trigger AS"
                       " 'BEGIN RAISE EXCEPTION ''not this row''; END' LANGUAGE plpgsql")
    cluster.db.execute("CREATE TRIGGER refuse BEFORE UPDATE ON t_ds_workflow_instance FOR EACH ROW"
                       f" WHEN (NEW.id IN ({ids})) EXECUTE FUNCTION refuse()")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_rows_that_the_database_refuses_stand_alone(make_cluster, database):
    cluster = make_cluster(database=database)
    workflows = cluster.workflows(40)
    bad = {workflows[0], workflows[17], workflows[18]}
    refuse(cluster, bad)
    result = cluster.failover_master(code=3)
    cluster.assert_failed_over_once([w for w in workflows if w not in bad])
    assert {w for w, state in cluster.states(workflows).items() if state == 1} == bad
    assert cluster.registry.marks() == {}
    items = {item["id"]: item for item in result.workflows["items"]}
    assert all(items[w]["outcome"] == "failed" and "not this row" in items[w]["reason"] for w in bad)
    # One error tells it of all of them.
    told = [error for error in result["errors"] if "not this row" in error]
    assert len(told) == 1 and "3 workflows" in told[0]


def test_what_never_ends_gets_no_mark(cluster):
    """Whenever one is failed over another one is there: three more readings, and a person is asked."""
    cluster.workflow()
    columns = ("name, state, host, start_time, command_type, executor_id, workflow_definition_code,"
               " workflow_definition_version")
    cluster.db.execute("CREATE TRIGGER again AFTER UPDATE OF state ON t_ds_workflow_instance WHEN NEW.state = 18"
                       f" BEGIN INSERT INTO t_ds_workflow_instance ({columns}) SELECT"
                       f" {columns.replace(' state', ' 1')} FROM t_ds_workflow_instance WHERE id = NEW.id; END")
    result = cluster.failover_master(code=3)
    assert result.master["outcome"] == "partial" and cluster.registry.marks() == {}
    assert result.workflows["failed_over"] == len(cluster.commands()) == 3
    assert "left" in "\n".join(result["errors"])


def test_the_event_time_is_taken_when_the_locks_are_held(cluster):
    earlier = cluster.workflow()  # or the run would end without a lock
    lock = cluster.registry.lock(DEAD).wait()
    run = cluster.start("failover-master", DEAD)
    until(lambda: "waiting for the lock" in run.stderr_so_far())
    workflow = cluster.workflow(start=now_ms())
    released = now_ms()
    lock.release()
    result = run.finish(0)
    assert result.master["deadline"] == result["event"]["event_time"] >= released
    cluster.assert_failed_over_once([earlier, workflow])
