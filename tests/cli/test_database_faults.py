"""The database server fails in the middle: exactly one command per workflow at the end, always."""

import threading
import time

import pytest

from support import databases, servers
from support.cluster import DEAD, now_ms, until
from support.proxy import COMMIT, Proxy


@pytest.fixture(params=["postgresql", "mariadb"])
def cluster(request, make_cluster):
    return make_cluster("zookeeper", request.param)


def through(cluster, proxy):
    db = cluster.db
    return ["--registry", cluster.registry.url,
            "--database", f"{db.server.scheme}://ds@{proxy.address}/{db.database}"]


def assert_true_and_repeatable(cluster, workflows, result):
    commands = cluster.commands_per_workflow()
    assert set(commands.values()) <= {1}
    assert {w for w, state in cluster.states(workflows).items() if state == 18} == set(commands)
    if result.report["masters"]:
        done, unknown = result.workflows["failed_over"], result.workflows["unknown"]
        assert done <= len(commands) <= done + unknown, result
    if cluster.registry.marks():
        assert len(commands) == len(workflows)
    if result.code == 0:
        assert len(cluster.registry.marks()) == 1
    else:
        assert result["errors"] or result["warnings"]
        cluster.failover_master(code=0)
    cluster.assert_failed_over_once(workflows)


@pytest.mark.parametrize("reaches_server", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("skip", [0, 1, 3])
def test_connection_cut_during_commit(cluster, skip, reaches_server):
    """The server commits, or does not; nobody tells us."""
    workflows = cluster.workflows(8000)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        cut = proxy.cut_after if reaches_server else proxy.cut_before
        cut(COMMIT[cluster.db.server.name], skip=skip)
        result = cluster.run("failover-master", DEAD, options=through(cluster, proxy))
        if not proxy.fired.is_set():
            assert skip > 0, "the run committed nothing"
            assert result.code == 0
    assert result.code in (0, 1, 3, 6)
    assert_true_and_repeatable(cluster, workflows, result)


def test_commit_unknown_and_a_master_that_took_it_meanwhile(cluster):
    """Settled by reading: the command is gone already, the stamp tells that it was ours."""
    from support.cluster import SimulatedMaster
    workflows = cluster.workflows(10)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy, SimulatedMaster(cluster) as master:
        proxy.cut_after(COMMIT[cluster.db.server.name])
        result = cluster.run("failover-master", DEAD, options=through(cluster, proxy))
    assert result.code in (0, 1, 3, 6)
    cluster.failover_master(code=(0, 3))
    commands = cluster.commands_per_workflow()
    assert not master.problems
    assert all(commands.get(w, 0) + master.consumed.count(w) == 1 for w in workflows)


def test_connections_cut_now_and_then(cluster):
    workflows = cluster.workflows(20_000)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        run = cluster.start("failover-master", DEAD, options=through(cluster, proxy))
        for _ in range(4):
            time.sleep(0.15)
            proxy.cut()
        result = run.finish((0, 1, 3, 6))
    assert_true_and_repeatable(cluster, workflows, result)


def test_gone_between_chunks(cluster):
    workflows = cluster.workflows(20_000)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        run = cluster.start("failover-master", DEAD, options=through(cluster, proxy))
        until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
        proxy.refuse(True)
        result = run.finish((0, 1, 3, 6))
        if result.code:
            assert proxy.address in result.said
    assert_true_and_repeatable(cluster, workflows, result)


def test_gone_during_commit_and_not_back(cluster):
    """Nobody can say whether it was committed: the run says so, and the next one settles it."""
    postgresql = cluster.db.server.type == "postgresql"
    # One transaction that did not arrive; and of two at a time the first, which did.
    workflows = cluster.workflows(10 if postgresql else 2_000)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        if postgresql:
            proxy.cut_before(b"COMMIT\0", for_good=True)
        else:
            proxy.cut_after(b"\x03COMMIT", for_good=True)
        result = cluster.run("failover-master", DEAD, "--items", "20000", code=1, options=through(cluster, proxy))
    found = result.workflows
    assert found["unknown"] == len(workflows) // (1 if postgresql else 2)
    assert found["left"] == 0 and found["selected"] == len(workflows)
    items = [item for item in found["items"] if item["outcome"] == "unknown"]
    assert len(items) == found["unknown"] and all(proxy.address in item["reason"] for item in items)
    assert any(f"{found['unknown']} workflows" in error and "again" in error for error in result["errors"])
    assert_true_and_repeatable(cluster, workflows, result)


def test_gone_during_the_commit_of_a_requeue_and_not_back(cluster):
    workflows = cluster.workflows(10, state=18)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        if cluster.db.server.type == "postgresql":
            proxy.cut_before(b"COMMIT\0", for_good=True)
        else:
            proxy.cut_after(b"\x03COMMIT", for_good=True)
        result = cluster.run("requeue", code=1, options=through(cluster, proxy))
    found = result["workflows"]
    assert (found["unknown"], found["requeued"], found["left"]) == (10, 0, 0)
    assert all(item["outcome"] == "unknown" and proxy.address in item["reason"] for item in found["items"])
    assert any("Whether 10 workflows were requeued is unknown" in error for error in result["errors"])
    cluster.run("requeue", code=0)
    assert cluster.commands_per_workflow() == dict.fromkeys(workflows, 1)


def test_interrupted_while_the_database_is_away(cluster):
    cluster.workflows(10)
    with Proxy("127.0.0.1", cluster.db.server.port) as proxy:
        proxy.do_before(b"INSERT INTO t_ds_command (command_type", lambda: proxy.refuse(True))
        run = cluster.start("failover-master", DEAD, options=through(cluster, proxy))
        assert proxy.fired.wait(30)
        run.interrupt()
        result = run.finish(130)
    assert result["outcome"] == "interrupted"
    assert not cluster.commands()


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_server_restarted_in_the_middle(how, zookeeper, tmp_path, request, make_cluster):
    kind = {"postgresql": servers.PostgreSQL, "mariadb": servers.MariaDB}
    for name in kind:
        _restarted(kind[name], how, zookeeper)


def _restarted(kind, how, zookeeper):
    from support import databases, registries
    from support.cluster import Cluster
    with kind() as server:
        cluster = Cluster(registries.ZooKeeper(zookeeper), databases.on(server))
        try:
            workflows = cluster.workflows(20_000)
            run = cluster.start("failover-master", DEAD)
            until(lambda: cluster.db.value("SELECT count(*) FROM t_ds_command") > 0)
            cluster.db.connection.close()
            if how == "restart":
                server.restart()
            else:
                server.kill()
                server.start()
            result = run.finish((0, 1, 3, 6))
            cluster.db = cluster.db.clone()
            assert_true_and_repeatable(cluster, workflows, result)
        finally:
            cluster.close()


def test_unreachable_is_named(cluster):
    port = servers.free_port()
    url = f"{cluster.db.server.scheme}://ds@127.0.0.1:{port}/ds"
    result = cluster.run("failover-master", DEAD, code=6, options=["--registry", cluster.registry.url, "--database", url])
    assert f"127.0.0.1:{port}" in result.said
    assert cluster.registry.stamps(DEAD) == []


def test_a_wrong_password_is_named_and_not_shown(cluster):
    result = cluster.failover_master(code=6, environment={"DSFAILOVER_DATABASE_PASSWORD": "wrong-one"})
    assert cluster.db.server.address in result.said and "wrong-one" not in result.said + result.stdout


def test_a_database_that_is_not_there_is_named(cluster):
    url = cluster.db.server.url("no_such_database")
    result = cluster.run("failover-master", DEAD, code=6, options=["--registry", cluster.registry.url, "--database", url])
    assert "no_such_database" in result.said


def test_a_row_that_somebody_holds_does_not_stop_the_others(cluster):
    workflows = cluster.workflows(6)
    holder = cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute("UPDATE t_ds_workflow_instance SET var_pool = '[1]' WHERE id = ?", workflows[2])
    result = cluster.failover_master(timeout=120)
    assert result.code in (1, 3), result
    states = cluster.states(workflows)
    assert states.pop(workflows[2]) == 1 and set(states.values()) == {18}
    assert cluster.registry.marks() == {}
    assert "lock" in result.said or "time" in result.said
    holder.execute("ROLLBACK")
    holder.close()
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once(workflows)


def test_an_instance_that_changes_under_our_hands_is_left(cluster):
    """Finished between our reading and our writing: state_changed."""
    workflows = cluster.workflows(6)
    holder = cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute("UPDATE t_ds_workflow_instance SET state = 7 WHERE id = ?", workflows[2])
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    time.sleep(0.5)
    holder.execute("COMMIT")
    holder.close()
    result = run.finish(0)
    assert cluster.state(workflows[2]) == 7
    cluster.assert_failed_over_once([w for w in workflows if w != workflows[2]])
    assert result.workflows["skipped"] == {"state_changed": 1}


@pytest.mark.parametrize("column", ["restart_time", "start_time", "host"])
def test_compare_and_set_sees_every_column_that_decides(cluster, column):
    workflows = cluster.workflows(3)
    value = {"host": "127.0.1.2:5678"}.get(column, "2026-02-03 04:05:06")
    holder = cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute(f"UPDATE t_ds_workflow_instance SET {column} = ? WHERE id = ?", value, workflows[1])
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    time.sleep(0.5)
    holder.execute("COMMIT")
    holder.close()
    result = run.finish((0, 3))
    assert not [w for w, n in cluster.commands_per_workflow().items() if n != 1]
    if column == "host":
        assert cluster.state(workflows[1]) == 1
    else:  # read again with its new time, still before the deadline: failed over with it as it is now
        assert cluster.state(workflows[1]) == 18, result


@pytest.mark.parametrize("column", ["restart_time", "start_time"])
def test_what_was_started_anew_under_our_hands_is_not_failed_over(cluster, column):
    """Its new time lies after the deadline: whoever started it is running it."""
    workflows = cluster.workflows(3)
    holder = cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute(f"UPDATE t_ds_workflow_instance SET {column} = ? WHERE id = ?",
                   databases.to_text(now_ms() // 1000 * 1000 + 30_000), workflows[1])
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    time.sleep(0.5)
    holder.execute("COMMIT")
    holder.close()
    result = run.finish(0)
    assert cluster.state(workflows[1]) == 1
    cluster.assert_failed_over_once([workflows[0], workflows[2]])
    assert result.workflows["skipped"] == {"state_changed": 1}


def test_what_turns_doubtful_under_our_hands_is_reported(cluster):
    """A person pauses it, and a new process comes up at the address: it may have it now."""
    workflows = cluster.workflows(3)
    holder = cluster.db.clone()
    holder.execute("BEGIN")
    holder.execute("UPDATE t_ds_workflow_instance SET state = 2 WHERE id = ?", workflows[1])
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    cluster.register(DEAD, startup_time=now_ms() + 1000)
    holder.execute("COMMIT")
    holder.close()
    result = run.finish(3)
    assert cluster.state(workflows[1]) == 2
    cluster.assert_failed_over_once([workflows[0], workflows[2]])
    found = result.workflows
    assert (found["selected"], found["failed_over"], found["left"]) == (2, 2, 0)
    assert found["skipped"] == {"in_doubt": 1}
    assert "in doubt" in "\n".join(result["errors"])


def test_deadlock(cluster):
    workflows = cluster.workflows(50)
    other = cluster.db.clone()
    other.execute("BEGIN")
    other.execute("UPDATE t_ds_workflow_instance SET var_pool = '[1]' WHERE id = ?", workflows[-1])
    run = cluster.start("failover-master", DEAD)
    until(lambda: cluster.registry.stamps(DEAD))
    time.sleep(1)

    def the_other_way_round():
        try:
            for workflow in workflows[:-1]:
                other.execute("UPDATE t_ds_workflow_instance SET var_pool = '[1]' WHERE id = ?", workflow)
            other.execute("COMMIT")
        except Exception:  # the victim
            other.execute("ROLLBACK")

    thread = threading.Thread(target=the_other_way_round)
    thread.start()
    run.finish(0)
    thread.join(30)
    other.close()
    cluster.assert_failed_over_once(workflows)


def test_a_serialization_failure_is_tried_again(make_cluster):
    """As a trigger of the server's administrator may raise it, once."""
    cluster = make_cluster("zookeeper", "postgresql")
    workflows = cluster.workflows(10)
    cluster.db.execute("""
        CREATE SEQUENCE tries;
        CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') = 1 THEN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refuse_once AFTER INSERT ON t_ds_command EXECUTE FUNCTION refuse_once()""")
    result = cluster.failover_master(code=0)
    cluster.assert_failed_over_once(workflows, result.master["stamp"])


class TestPostgresql:
    @pytest.fixture
    def cluster(self, make_cluster):
        return make_cluster("zookeeper", "postgresql")

    def test_read_only(self, cluster):
        workflow = cluster.workflow()
        cluster.db.execute(f"ALTER DATABASE {cluster.db.database} SET default_transaction_read_only = on")
        result = cluster.failover_master(code=(1, 6))
        assert "read" in result.said and cluster.db.database in result.said
        assert cluster.registry.marks() == {}
        plan = cluster.failover_master("--dry-run", code=0)  # reading is enough for a plan
        assert plan.workflows["selected"] == 1
        assert cluster.state(workflow) == 1

    @pytest.mark.parametrize("level", ["serializable", "repeatable read"])
    def test_a_stricter_default_isolation_does_not_matter(self, cluster, level):
        workflows = cluster.workflows(2000)
        cluster.db.execute(f"ALTER DATABASE {cluster.db.database} SET default_transaction_isolation = '{level}'")
        runs = [cluster.start("failover-master", DEAD, "--no-lock", "--lock-timeout", "3s") for _ in range(2)]
        for run in runs:
            run.finish((0, 3, 5))
        cluster.failover_master(code=0)
        cluster.assert_failed_over_once(workflows)

    @pytest.mark.parametrize("setting", ["timezone = 'Asia/Shanghai'", "datestyle = 'German'", "standard_conforming_strings = off",
                                         "bytea_output = 'escape'", "client_encoding = 'LATIN1'"])
    def test_the_server_s_own_settings_do_not_matter(self, cluster, setting):
        workflow = cluster.workflow(name="täglich")
        cluster.db.execute(f"ALTER DATABASE {cluster.db.database} SET {setting}")
        result = cluster.failover_master(code=0)
        assert result.items("id", "name") >= {(workflow, "täglich")}
        cluster.assert_failed_over_once([workflow], stamp=result.master["stamp"])

    def test_it_says_who_it_is(self, cluster):
        workflow = cluster.workflow()
        holder = cluster.db.clone()
        holder.execute("BEGIN")
        holder.execute("UPDATE t_ds_workflow_instance SET var_pool = '[1]' WHERE id = ?", workflow)
        run = cluster.start("failover-master", DEAD)
        until(lambda: cluster.db.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dsfailover'"))
        holder.execute("ROLLBACK")
        holder.close()
        run.finish(0)

    def test_microseconds_are_compared_too(self, cluster):
        workflow = cluster.workflow()
        cluster.db.execute("UPDATE t_ds_workflow_instance SET start_time = '2026-11-01 10:00:00.123456',"
                           " restart_time = '2026-11-01 10:00:00.654321' WHERE id = ?", workflow)
        cluster.failover_master(code=0)
        cluster.assert_failed_over_once([workflow])


@pytest.mark.parametrize("break_it, said", [
    ("ALTER TABLE t_ds_workflow_instance RENAME TO t_ds_process_instance", "t_ds_process_instance"),
    ("ALTER TABLE t_ds_command DROP COLUMN command_param", "command_param"),
    ("DROP TABLE t_ds_task_instance", "t_ds_task_instance")])
def test_another_schema(cluster, break_it, said):
    cluster.db.execute(break_it)
    result = cluster.failover_master(code=6)
    assert said in result.said and "3.3" in result.said
    assert cluster.registry.stamps(DEAD) == []


def test_no_version_row(cluster):
    cluster.db.execute("DELETE FROM t_ds_version")
    workflow = cluster.workflow()
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])
