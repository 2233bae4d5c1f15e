"""Wrong clocks and zones are found before they cost anything."""

import json

import pytest

from support.cluster import (ALIVE, DEAD, DEAD_WORKER, HOUR, MINUTE, SECOND, Cluster, ago, heartbeat_of, now_ms)


@pytest.mark.parametrize("zone, seen_as_ahead", [("Asia/Shanghai", False), ("America/Los_Angeles", True)])
def test_a_zone_that_is_hours_wrong_commits_nothing_where_it_would_be_wrong(cluster, zone, seen_as_ahead):
    # The rows are written in UTC. Read as Shanghai they look eight hours older, as Los Angeles younger.
    workflow = cluster.workflow(start=ago(2 * MINUTE))
    result = cluster.failover_master("--time-zone", zone)
    if seen_as_ahead:
        assert result.code == 6 and "zone" in result.said
        assert cluster.state(workflow) == 1 and not cluster.commands()
        assert cluster.registry.marks() == {} and cluster.registry.stamps(DEAD) == []
    else:
        # At an address that is gone all of it is selected either way; the operator is told.
        assert result.code in (0, 3, 6)
        assert "zone" in "\n".join(result["warnings"] + result["errors"])


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles"])
def test_at_an_address_that_lives_a_wrong_zone_commits_nothing(cluster, zone):
    restarted = "127.0.1.8:5678"
    cluster.register(restarted, startup_time=ago(HOUR))
    old = cluster.workflow(host=restarted, start=ago(2 * HOUR))
    cluster.task(old, submit=ago(2 * HOUR))
    running = cluster.workflow(host=restarted, start=ago(2 * MINUTE))
    cluster.task(running, submit=ago(MINUTE))
    result = cluster.run("global", "--time-zone", zone, code=(3, 6))
    assert cluster.states([old, running]) == {old: 1, running: 1} and not cluster.commands()
    assert "zone" in result.said
    assert cluster.registry.marks() == {}


def test_a_quiet_cluster_is_vouched_for_by_an_event_time(make_cluster):
    cluster = make_cluster(living=False)
    cluster.register(ALIVE)
    restarted = "127.0.1.8:5678"
    cluster.register(restarted, startup_time=ago(5 * HOUR))
    old = cluster.workflow(host=restarted, start=ago(9 * HOUR))
    cluster.task(old, submit=ago(8 * HOUR))
    assert cluster.run("global", code=3) and cluster.state(old) == 1
    cluster.run("global", "--event-time", now_ms(), code=0)
    assert cluster.state(old) == 18


def test_a_quiet_cluster_is_only_warned_about_at_an_address_that_is_gone(make_cluster):
    cluster = make_cluster(living=False)
    cluster.register(ALIVE)
    workflow = cluster.workflow(start=ago(9 * HOUR))
    result = cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])
    assert any("zone" in warning or "clock" in warning for warning in result["warnings"])


def test_global_warns_of_a_quiet_cluster_though_there_is_nothing_to_do(make_cluster):
    cluster = make_cluster(living=False)
    cluster.register(ALIVE)
    cluster.workflow(host=ALIVE, start=ago(9 * HOUR), state=7)
    result = cluster.run("global", code=0)
    assert any("--time-zone" in warning for warning in result["warnings"])


@pytest.mark.parametrize("ahead, code", [(20, 0), (-20, 0), (120, 6), (-120, 6)])
def test_the_database_s_clock_is_compared_with_ours(make_cluster, ahead, code):
    cluster = make_cluster(database="postgresql")
    cluster.workflow()
    cluster.db.execute("CREATE SCHEMA shifted")
    cluster.db.execute("CREATE FUNCTION shifted.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
                       f" 'SELECT pg_catalog.clock_timestamp() + interval ''{ahead} s'''")
    cluster.db.execute(f"ALTER DATABASE {cluster.db.database} SET search_path = shifted, pg_catalog, public")
    result = cluster.failover_master(code=code)
    said = "\n".join(result["errors" if code else "warnings"])
    assert "clock" in said and cluster.db.server.address in said
    assert bool(cluster.commands()) == bool(cluster.registry.stamps(DEAD)) == (code == 0)
    if ahead == 20:  # the later of both is the event time
        assert result["event"]["event_time"] > now_ms() + 5 * SECOND


def test_a_start_time_in_the_future_means_a_wrong_zone(cluster):
    cluster.workflow()
    cluster.workflow(host=ALIVE, start=now_ms() + 5 * MINUTE)
    with cluster.nothing_changes():
        result = cluster.failover_master(code=6)
    assert "zone" in result.said or "clock" in result.said


def test_a_restart_time_ahead_of_the_clock_is_never_committed_over(cluster):
    # At an address that is gone nothing can have started after now.
    workflow = cluster.workflow(restart=now_ms() + 30 * SECOND)
    other = cluster.workflow()
    result = cluster.failover_master(code=(3, 6))
    assert cluster.states([workflow, other]) == {workflow: 1, other: 1}
    assert cluster.registry.marks() == {} and not cluster.commands()
    assert "clock" in result.said or "zone" in result.said


@pytest.mark.parametrize("ahead, code", [(20 * SECOND, 0), (10 * MINUTE, 6)])
def test_a_living_server_that_reports_from_the_future(cluster, ahead, code):
    cluster.workflow()
    cluster.register("127.0.1.9:5678", value=heartbeat_of("127.0.1.9:5678", report_time=now_ms() + ahead))
    result = cluster.failover_master(code=code)
    assert "clock" in result.said
    assert bool(cluster.commands()) == (code == 0)


def test_a_hung_server_reports_from_the_past_and_that_is_fine(cluster):
    workflow = cluster.workflow()
    cluster.register("127.0.1.9:5678", value=heartbeat_of("127.0.1.9:5678", report_time=ago(HOUR)))
    cluster.failover_master(code=0)
    cluster.assert_failed_over_once([workflow])


def test_rows_in_the_masters_zone(cluster):
    # A cluster with SPRING_JACKSON_TIME_ZONE=Asia/Shanghai: every wall clock is eight hours ahead of UTC.
    for table, columns in (("t_ds_workflow_instance", ["start_time"]), ("t_ds_task_instance", ["submit_time"])):
        for column in columns:
            cluster.db.execute(f"UPDATE {table} SET {column} = strftime('%Y-%m-%d %H:%M:%f', {column}, '+8 hours')")
    event_time = ago(HOUR)
    before = cluster.workflow(start=event_time + 8 * HOUR - 1)
    after = cluster.workflow(start=event_time + 8 * HOUR)
    result = cluster.failover_master("--time-zone", "Asia/Shanghai", "--event-time", event_time)
    assert cluster.states([before, after]) == {before: 18, after: 1}
    assert cluster.restart_ms(before) == result.master["stamp"] + 8 * HOUR
    [command] = cluster.commands()
    assert abs(cluster.db_ms(command["update_time"]) - 8 * HOUR - now_ms()) < 10 * SECOND


@pytest.mark.parametrize("zone", ["Mars/Olympus", "UTC+25", "../../etc/passwd", ""])
def test_an_unknown_zone_is_a_usage_error(cluster, zone):
    result = cluster.failover_master("--time-zone", zone, code=2)
    assert "zone" in result.said


def test_a_zone_with_daylight_saving(cluster):
    # Whatever the season, now is now.
    import datetime
    import zoneinfo
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    offset = int(datetime.datetime.now(berlin).utcoffset().total_seconds()) * 1000
    for table, column in (("t_ds_workflow_instance", "start_time"), ("t_ds_task_instance", "submit_time")):
        cluster.db.execute(f"UPDATE {table} SET {column} = strftime('%Y-%m-%d %H:%M:%f', {column}, ?)",
                           f"+{offset // 1000} seconds")
    workflow = cluster.workflow(start=ago(MINUTE) + offset)
    cluster.failover_master("--time-zone", "Europe/Berlin", code=0)
    cluster.assert_failed_over_once([workflow])


# -- the newest rows


def clocks(result):
    return next(check for check in result["checks"] if check["name"] == "clocks")


COMMANDS = (["failover-master", DEAD], ["failover-worker", DEAD_WORKER], ["global"], ["requeue"])


def test_rows_hours_ahead_stop_every_command_that_writes(cluster):
    """The masters write +08:00 and we read UTC: the unfinished rows are old enough to hide it."""
    cluster.workflow(start=ago(9 * HOUR))
    cluster.task(cluster.workflow(state=7, start=ago(HOUR)), state=7, submit=ago(2 * MINUTE) + 8 * HOUR)
    with cluster.nothing_changes():
        for command in COMMANDS:
            result = cluster.run(*command, code=6)
            assert "give --time-zone Asia/Shanghai" in "\n".join(result["errors"])
            assert "2 min old" in result.said
            result = cluster.run(*command, "--dry-run", code=(0, 3))
            assert "give --time-zone Asia/Shanghai" in "\n".join(result["warnings"])
        status = cluster.run("status", code=0)
        assert clocks(status)["ok"] is False and "--time-zone Asia/Shanghai" in clocks(status)["hint"]
        assert "clocks" in cluster.run("status", "--check", code=7).said
    cluster.failover_master("--time-zone", "Asia/Shanghai", code=0)


@pytest.mark.parametrize("ahead, code", [(50 * SECOND, 0), (80 * SECOND, 6)])
def test_rows_may_lie_a_minute_ahead(cluster, ahead, code):
    cluster.workflow()
    cluster.task(cluster.quiet, state=7, submit=now_ms() + ahead)
    cluster.failover_master(code=code)


def test_a_zone_of_dolphinscheduler_s_that_only_the_rows_contradict(cluster):
    """SPRING_JACKSON_TIME_ZONE is set, and the JVM writes UTC all the same."""
    workflow = cluster.workflow()
    shanghai = {"SPRING_JACKSON_TIME_ZONE": "Asia/Shanghai"}
    with cluster.nothing_changes():
        for more in ([], ["--event-time", ago(MINUTE)]):
            result = cluster.failover_master(*more, environment=shanghai, code=6)
            assert "as UTC the newest row is 2 min old: give --time-zone UTC" in result.said
        dry = cluster.failover_master("--dry-run", environment=shanghai, code=0)
        assert "give --time-zone UTC" in "\n".join(dry["warnings"])
        check = clocks(cluster.run("status", environment=shanghai, code=0))
        assert not check["ok"] and "--time-zone UTC" in check["hint"]
        cluster.run("status", "--check", environment=shanghai, code=7)
    # Said to this program itself, it is meant: the cluster may have been quiet.
    result = cluster.failover_master("--dry-run", code=0,
                                     environment=shanghai | {"DSFAILOVER_TIME_ZONE": "Asia/Shanghai"})
    assert "as UTC the newest row is 2 min old: give --time-zone UTC" in result.said
    assert clocks(cluster.run("status", code=0))["ok"] is True
    cluster.failover_master("--time-zone", "UTC", environment=shanghai, code=0)
    cluster.assert_failed_over_once([workflow])


def test_a_zone_of_dolphinscheduler_s_on_a_cluster_that_is_quiet(make_cluster):
    """Not by as much as the zone differs from UTC, and not while nobody lives who could write."""
    cluster = make_cluster(living=False)
    shanghai = {"SPRING_JACKSON_TIME_ZONE": "Asia/Shanghai"}
    workflow = cluster.workflow(start=ago(2 * MINUTE))
    cluster.failover_master("--dry-run", environment=shanghai, code=0)
    cluster.register(ALIVE)
    cluster.failover_master(environment=shanghai, code=6)
    cluster.db.execute("UPDATE t_ds_workflow_instance SET start_time = datetime(start_time, '-6 minutes')")
    result = cluster.failover_master(environment=shanghai, code=0)
    cluster.assert_failed_over_once([workflow])
    assert "check --time-zone" in result.said


def test_the_zone_of_a_jdbc_url_is_dolphinscheduler_s_too(make_cluster):
    cluster = make_cluster(database="mariadb")
    cluster.workflow()
    url = f"jdbc:mysql://{cluster.db.server.address}/{cluster.db.database}?user=ds&serverTimezone=Asia/Shanghai"
    options = ["--registry", cluster.registry.url, "--database", url]
    result = cluster.failover_master(options=options, code=6)
    assert "give --time-zone UTC" in result.said
    cluster.failover_master("--time-zone", "UTC", options=options, code=0)
