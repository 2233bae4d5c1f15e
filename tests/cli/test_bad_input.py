"""Bad arguments and broken surroundings: an exit code, a message that names it, and nothing done."""

import json
import os
import sqlite3

import pytest

from support import program
from support.cluster import DEAD, HOUR, ago
from support.databases import Sqlite
from support.servers import free_port

COMMANDS = ["failover-master", "failover-worker"]
# Nothing listens there: a usage error must come before anything is contacted.
NOWHERE = ["--registry", "zookeeper://127.0.0.1:1/dolphinscheduler", "--database", "sqlite:/nonexistent/ds.db"]


def usage_error(*arguments, environment=None, options=NOWHERE):
    result = program.run(*arguments, *options, environment=environment, code=2)
    assert result.seconds < 3
    return result


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("behind", [";x", "?x=1", "&x", "=x", "(x"])
def test_an_address_with_something_behind_it_is_none(command, behind):
    assert "'127.0.1.1:5678...' is not the address of a server" in usage_error(command, "127.0.1.1:5678" + behind).said


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("address", ["a", "a:b", "../x:1", "h:99999", "", "h:0", "h:-1", ":5678", "h:", "h:5678 ",
                                     " h:5678", "h:5678/x", "a/b:1", "h:1:2", "[::1]", "[::1:5678", "::1:5678",
                                     "[nonsense]:1", "h\n:1", "h:1e3", "h:05678x"])
def test_addresses(command, address):
    result = usage_error(command, address)
    if address.strip() and "\n" not in address:
        assert address.strip().strip("[]") in result.said


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01T00:00:00.000Z", "2026-01-01", "-1", "1e12", "", "12x",
                                  "2026-01-01T00:00:00.000", "99999999999999999999"])
def test_event_times(time):
    result = usage_error("failover-master", DEAD, f"--event-time={time}")
    assert "event-time" in result.said


@pytest.mark.parametrize("arguments", [["--startup-time", "1795331879415"], ["--process-id", "77"]])
@pytest.mark.parametrize("command", COMMANDS)
def test_startup_time_and_process_id_go_together(command, arguments):
    result = usage_error(command, DEAD, *arguments)
    assert "startup-time" in result.said and "process-id" in result.said


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00Z", "1795331879", "soon", "0"])
def test_a_startup_time_needs_its_milliseconds(time):
    result = usage_error("failover-master", DEAD, "--startup-time", time, "--process-id", "7")
    assert "startup-time" in result.said


@pytest.mark.parametrize("process_id", ["0x7", "-7", "seven", "7.5", ""])
def test_process_ids(process_id):
    result = usage_error("failover-master", DEAD, "--startup-time", "1795331879415",
                         f"--process-id={process_id}")
    assert "process-id" in result.said


@pytest.mark.parametrize("duration", ["30", "-5s", "5 s", "1y", "s", "", "1.5m", "5S", "999999999999999999d"])
@pytest.mark.parametrize("option", ["grace", "lock-timeout"])
def test_durations(option, duration):
    result = usage_error("failover-master", DEAD, f"--{option}={duration}")
    assert option in result.said


@pytest.mark.parametrize("option, value", [("limit", "0"), ("limit", "-1"), ("limit", "x"), ("items", "-1"),
                                           ("items", "many"), ("format", "xml"), ("in-doubt", "x"),
                                           ("in-doubt", ""), ("in-doubt", "1,,2"), ("in-doubt", "1;2"),
                                           ("log-level", "loud")])
def test_other_values(option, value):
    result = usage_error("failover-master", DEAD, f"--{option}={value}")
    assert option in result.said or f"'{value}'" in result.said


@pytest.mark.parametrize("url", ["", "zookeeper", "zookeeper://", "zookeeper:///x", "zookeeper://h.invalid",
                                 "consul://h:1/x", "zookeeper://h:99999/x", "zookeeper://h.invalid:2181",
                                 "zookeeper://h:2181/a/../b", "etcd://h.invalid/x", "http://h:2379/x"])
def test_registry_urls(url, tmp_path):
    result = program.run("failover-master", DEAD, f"--registry={url}", "--database",
                         "sqlite:/nonexistent/ds.db")
    # Some of these may stand for a default (port, namespace); then the database is what fails.
    if url in ("zookeeper://h.invalid", "zookeeper://h.invalid:2181", "etcd://h.invalid/x"):
        assert result.code in (2, 6)
    else:
        assert result.code == 2
        assert "registry" in result.said


@pytest.mark.parametrize("url", ["", "sqlite", "sqlite:", "oracle://u@h/d", "postgresql://", "postgresql://u@h:x/d",
                                 "mysql://h:99999/d", "jdbc:oracle:thin:@h", "jdbc:h2:mem:x", "/some/file.db"])
def test_database_urls(url):
    result = program.run("failover-master", DEAD, "--registry", "zookeeper://127.0.0.1:1/x",
                         f"--database={url}", code=2)
    assert "database" in result.said


def test_no_database_or_registry_shows_how_to_configure_one():
    result = program.run("failover-master", DEAD, code=2)
    assert "--registry" in result.said and "--ds-config" in result.said
    only_registry = program.run("failover-master", DEAD, "--registry", "zookeeper://127.0.0.1:1/x", code=2)
    assert "--database" in only_registry.said


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["failover-master"], ["failover-master", DEAD, "extra"],
                                       ["failover-master", DEAD, "--no-such-option"], ["global", DEAD],
                                       ["failover-master", DEAD, "--dry-run=maybe"], ["sandbox"], ["sandbox", "create"]])
def test_arguments_that_are_not_understood(arguments):
    result = program.run(*arguments, code=2)
    assert result.stderr.strip()
    # Where it is known which command is meant, a script gets a report.
    if arguments[:1] in (["failover-master"], ["global"]) or arguments == ["sandbox", "create"]:
        assert json.loads(result.stdout)["exit_code"] == 2 and json.loads(result.stdout)["errors"]
    else:
        assert result.stdout == ""
    assert program.run(*arguments, "--format", "table", code=2).stdout == ""


@pytest.mark.parametrize("name, value", [("DSFAILOVER_GRACE", "soon"), ("DSFAILOVER_FORMAT", "xml"),
                                         ("DSFAILOVER_LIMIT", "0")])
def test_environment_values_are_checked_like_options(name, value):
    result = usage_error("failover-master", DEAD, environment={name: value})
    assert name in result.said


# -- ZooKeeper


def test_an_unreachable_zookeeper_is_named(cluster):
    port = free_port()
    workflow = cluster.workflow()
    result = cluster.run("failover-master", DEAD, code=6,
                         options=["--registry", f"zookeeper://127.0.0.1:{port}/dolphinscheduler",
                                  "--database", cluster.db.url], timeout=40)
    assert f"127.0.0.1:{port}" in result.said
    assert result["outcome"] == "failed"
    assert cluster.state(workflow) == 1


def test_an_unknown_host_is_named(cluster):
    result = cluster.run("global", code=6, timeout=60, options=[
        "--registry", "zookeeper://no-such-host.invalid:2181/dolphinscheduler", "--database", cluster.db.url])
    assert "no-such-host.invalid" in result.said


@pytest.mark.parametrize("command", [["failover-master", DEAD], ["global"], ["failover-worker", DEAD]])
def test_a_wrong_namespace_is_named_and_nothing_is_made_there(cluster, command):
    workflow = cluster.workflow()
    server = cluster.registry.server
    result = cluster.run(*command, code=6,
                         options=["--registry", server.url("/no-such-place"), "--database", cluster.db.url])
    assert "/no-such-place" in result.said and "/nodes/master" in result.said
    assert cluster.registry.client.exists("/no-such-place") is None
    assert cluster.state(workflow) == 1 and not cluster.commands()


def test_registry_and_database_of_two_clusters_are_warned_about(make_cluster):
    cluster = make_cluster(living=False)
    cluster.register("127.7.7.7:5678")  # hosts nothing of this database
    cluster.workflow(start=ago(60_000))
    result = cluster.failover_master("--dry-run", code=(0, 3))
    assert any("cluster" in warning for warning in result["warnings"])


# -- SQLite


def with_database(cluster, url, code=6):
    result = cluster.run("failover-master", DEAD, code=code,
                         options=["--registry", cluster.registry.url, "--database", url])
    assert cluster.registry.marks() == {} and cluster.registry.stamps(DEAD) == []
    return result


def test_a_database_file_that_is_not_there_is_not_created(cluster, tmp_path):
    path = tmp_path / "missing.db"
    result = with_database(cluster, f"sqlite:{path}")
    assert str(path) in result.said and not path.exists()


def test_a_file_that_is_no_database(cluster, tmp_path):
    path = tmp_path / "text.db"
    path.write_text("just some text, long enough to have a header\n" * 50)
    before = path.read_bytes()
    result = with_database(cluster, f"sqlite:{path}")
    assert str(path) in result.said and path.read_bytes() == before


def test_a_folder_is_no_database(cluster, tmp_path):
    assert str(tmp_path) in with_database(cluster, f"sqlite:{tmp_path}").said


def test_an_empty_file_is_somebody_else_s(cluster, tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    with_database(cluster, f"sqlite:{path}")
    assert path.stat().st_size == 0


def test_another_application_s_database(cluster, tmp_path):
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE customers (id INTEGER)")
    other.commit()
    other.close()
    before = path.read_bytes()
    result = with_database(cluster, f"sqlite:{path}")
    assert "t_ds_" in result.said and path.read_bytes() == before


def test_the_tables_of_3_2(cluster):
    cluster.db.execute("ALTER TABLE t_ds_workflow_instance RENAME TO t_ds_process_instance")
    cluster.db.execute("UPDATE t_ds_version SET version = '3.2.2'")
    result = with_database(cluster, cluster.db.url)
    assert "t_ds_process_instance" in result.said and "3.3" in result.said


@pytest.mark.parametrize("table, column", [("t_ds_workflow_instance", "restart_time"), ("t_ds_command", "command_param"),
                                           ("t_ds_task_instance", "submit_time")])
def test_a_missing_column_is_named(cluster, table, column):
    cluster.db.execute("DROP INDEX IF EXISTS idx_workflow_instance_times")
    cluster.db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    result = with_database(cluster, cluster.db.url)
    assert table in result.said and column in result.said


@pytest.mark.parametrize("version", [None, "3.3.9", "4.0.0", "rubbish"])
def test_the_columns_decide_and_not_the_version(cluster, version):
    cluster.db.execute("DELETE FROM t_ds_version")
    if version:
        cluster.db.insert("t_ds_version", version=version)
    workflow = cluster.workflow()
    result = cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])
    assert result["database"]["schema_version"] == version


def test_a_locked_database_ends_in_a_clear_error(cluster):
    workflow = cluster.workflow()
    writer = cluster.db.clone()
    writer.execute("BEGIN EXCLUSIVE")
    result = cluster.failover_master(timeout=90)
    writer.execute("ROLLBACK")
    assert result.code in (1, 6)
    assert cluster.db.path in result.said and "lock" in result.said
    assert cluster.state(workflow) == 1 and cluster.registry.marks() == {}
    assert not cluster.registry.locked(DEAD)
    cluster.failover_master(code=0)


def test_a_read_only_database_ends_in_a_clear_error(cluster):
    """Made unwritable for the program by running it as another user where we are root."""
    workflow = cluster.workflow()
    cluster.db.execute("PRAGMA journal_mode=DELETE")
    os.chmod(cluster.db.path, 0o444)
    if os.geteuid() == 0:
        pytest.skip("root may write any file; the same is shown on PostgreSQL")
    result = cluster.failover_master(code=(1, 6))
    assert cluster.db.path in result.said
    assert cluster.state(workflow) == 1 and cluster.registry.marks() == {}


def test_a_full_disk_ends_in_a_clear_error_and_nothing_half_done(cluster):
    workflows = cluster.workflows(4000)
    cluster.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = os.path.getsize(cluster.db.path)
    import resource
    import signal
    import subprocess

    def small_disk():
        # A limit on file size stands for a disk that fills up in the middle of the run.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, size + 200_000))

    process = subprocess.run(
        [program.binary(), "failover-master", DEAD, *cluster.options], capture_output=True, text=True,
        env={**os.environ, **cluster.environment}, timeout=120, check=False,
        preexec_fn=small_disk, restore_signals=False)
    assert process.returncode == 1, process.stderr
    assert cluster.db.path in process.stdout + process.stderr
    commands = cluster.commands_per_workflow()
    assert len(commands) < len(workflows) and set(commands.values()) <= {1}
    assert {w for w, state in cluster.states(workflows).items() if state == 18} == set(commands)
    assert cluster.registry.marks() == {}
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once(workflows)


# -- secrets and files


def test_a_password_in_a_url_works_warns_and_is_not_printed(cluster):
    # The password is that of support.servers: every run() looks for it in what is printed.
    result = cluster.run("failover-master", DEAD, options=[
        "--registry", cluster.registry.url,
        "--database", f"postgresql://ds:s3cret-of-ds@127.0.0.1:{free_port()}/ds"], code=6, timeout=60)
    assert any("password" in warning for warning in result["warnings"])


def test_a_password_file_that_is_not_there_is_named(tmp_path):
    missing = tmp_path / "no-password"
    result = program.run("failover-master", DEAD, "--registry", "zookeeper://127.0.0.1:1/x", "--database",
                         "postgresql://ds@127.0.0.1:1/ds", "--database-password-file", missing, code=2)
    assert str(missing) in result.said


def test_an_audit_log_that_cannot_be_written_is_named_before_anything_is_done(cluster, tmp_path):
    workflow = cluster.workflow()
    path = tmp_path / "no" / "such" / "folder" / "audit.jsonl"
    result = cluster.failover_master("--audit-log", path)
    assert result.code in (1, 2, 6) and str(path) in result.said
    assert cluster.state(workflow) == 1 and cluster.registry.marks() == {}


def test_version_and_help():
    version = program.run("--version", code=0)
    assert "dsfailover" in version.stdout
    general = program.run("--help", code=0)
    for command in ("failover-master", "failover-worker", "global", "clean-marks", "list-marks", "sandbox create", "sandbox show"):
        assert command.split()[0] in general.stdout
        own = program.run(*command.split(), "--help", code=0)
        assert "xample" in own.stdout, command
