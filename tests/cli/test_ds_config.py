"""DolphinScheduler's own configuration: application.yaml, its environment, and who wins."""

import pytest

from support import program, servers
from support.cluster import DEAD, ago

# What a master's application.yaml says, as far as it could matter here.
APPLICATION_YAML = """\
spring:
  profiles:
    active: postgresql
  banner:
    charset: UTF-8
  jackson:
    time-zone: UTC
    date-format: "yyyy-MM-dd HH:mm:ss"
  datasource:
    driver-class-name: org.postgresql.Driver
    url: {postgresql}
    username: ds
    password: {password}
    hikari:
      connection-test-query: select 1
      pool-name: DolphinScheduler
  quartz:
    job-store-type: jdbc
    properties:
      org.quartz.jobStore.isClustered: true

registry:
  type: zookeeper
  zookeeper:
    namespace: {namespace}
    connect-string: ${{SOME_CONNECT_STRING:{zookeeper}}}
    retry-policy:
      base-sleep-time: 60ms
      max-sleep: 300ms
      max-retries: 5
    session-timeout: 60s
    connection-timeout: 15s
    block-until-connected: 15s
    digest: ~

master:
  listen-port: 5678
  max-heartbeat-interval: 10s

server:
  port: 5679

---
spring:
  config:
    activate:
      on-profile: postgresql
  quartz:
    properties:
      org.quartz.jobStore.driverDelegateClass: org.quartz.impl.jdbcjobstore.PostgreSQLDelegate

---
spring:
  config:
    activate:
      on-profile: mysql
  datasource:
    driver-class-name: com.mysql.cj.jdbc.Driver
    url: {mysql}
    username: ${{NO_SUCH_VARIABLE:ds}}
    password: {password}
"""


@pytest.fixture
def cluster(make_cluster):
    return make_cluster("zookeeper", "postgresql")


@pytest.fixture
def application_yaml(cluster, tmp_path):
    """Writes one that leads to `cluster`; returns its path."""
    def write(**values):
        db, registry = cluster.db, cluster.registry
        path = tmp_path / "application.yaml"
        path.write_text(APPLICATION_YAML.format(**{
            "postgresql": f"jdbc:postgresql://127.0.0.1:{db.server.port}/{db.database}",
            "mysql": "jdbc:mysql://127.0.0.1:1/nothing?useUnicode=true&characterEncoding=UTF-8",
            "namespace": registry.namespace.lstrip("/"), "zookeeper": registry.server.address,
            "password": servers.PASSWORD, **values}))
        return path
    return write


def with_config(path, *arguments, environment=None, **options):
    return program.run(*arguments, "--ds-config", path,
                       environment={"DSFAILOVER_GRACE": "0s", **(environment or {})}, **options)


def test_application_yaml_alone_is_enough(cluster, application_yaml):
    workflow = cluster.workflow()
    path = application_yaml()
    with cluster.nothing_changes():
        plan = with_config(path, "global", "--dry-run", code=0)
    assert plan["outcome"] == "planned"
    assert plan["registry"]["type"] == "zookeeper" and plan["database"]["type"] == "postgresql"
    with_config(path, "failover-master", DEAD, code=0)
    cluster.assert_failed_over_once([workflow])


def test_a_profile_chooses_the_document(cluster, application_yaml, mariadb):
    from support import databases
    db = databases.on(mariadb)
    url = f"jdbc:mysql://127.0.0.1:{mariadb.port}/{db.database}?useUnicode=true&characterEncoding=UTF-8&useSSL=false"
    path = application_yaml(mysql=url)
    assert with_config(path, "global", "--dry-run", code=0)["database"]["type"] == "postgresql"
    assert with_config(path, "global", "--dry-run", "--profile", "mysql", code=0)["database"]["type"] == "mysql"
    assert with_config(path, "global", "--dry-run", environment={"SPRING_PROFILES_ACTIVE": "mysql"},
                       code=0)["database"]["type"] == "mysql"
    db.drop()


def test_placeholders_take_the_environment_and_then_their_default(cluster, application_yaml):
    path = application_yaml()
    port = servers.free_port()
    result = with_config(path, "global", "--dry-run", environment={"SOME_CONNECT_STRING": f"127.0.0.1:{port}"},
                         code=6, timeout=60)
    assert f"127.0.0.1:{port}" in result.said


def test_dolphinscheduler_s_environment_wins_over_its_file(cluster, application_yaml):
    path = application_yaml(zookeeper="127.0.0.1:1", postgresql="jdbc:postgresql://127.0.0.1:1/nothing")
    db = cluster.db
    environment = {
        "REGISTRY_ZOOKEEPER_CONNECT_STRING": cluster.registry.server.address,
        "SPRING_DATASOURCE_URL": f"jdbc:postgresql://127.0.0.1:{db.server.port}/{db.database}",
    }
    with_config(path, "global", "--dry-run", environment=environment, code=0)


def test_the_environment_alone_is_enough(cluster):
    db = cluster.db
    environment = {
        "REGISTRY_TYPE": "zookeeper",
        "REGISTRY_ZOOKEEPER_CONNECT_STRING": cluster.registry.server.address,
        "REGISTRY_ZOOKEEPER_NAMESPACE": cluster.registry.namespace.lstrip("/"),
        "SPRING_DATASOURCE_URL": f"jdbc:postgresql://127.0.0.1:{db.server.port}/{db.database}?stringtype=unspecified",
        "SPRING_DATASOURCE_USERNAME": "ds", "SPRING_DATASOURCE_PASSWORD": servers.PASSWORD,
        "DSFAILOVER_GRACE": "0s",
    }
    workflow = cluster.workflow()
    program.run("failover-master", DEAD, environment=environment, code=0)
    cluster.assert_failed_over_once([workflow])


def test_precedence(cluster, application_yaml, tmp_path):
    """Option, DSFAILOVER_*, --config, DolphinScheduler's environment, its file; and a place that is named first."""
    good, wrong = cluster.registry.url, "zookeeper://127.0.0.1:1/wrong-{}"
    path = application_yaml(zookeeper="127.0.0.1:1")
    own = tmp_path / "dsfailover.yaml"
    layers = [
        (["--registry", good], {"DSFAILOVER_REGISTRY": wrong.format("env")}, wrong.format("file")),
        ([], {"DSFAILOVER_REGISTRY": good, "REGISTRY_ZOOKEEPER_CONNECT_STRING": "127.0.0.1:1"}, wrong.format("file")),
        ([], {"REGISTRY_ZOOKEEPER_CONNECT_STRING": "127.0.0.1:1"}, good),
    ]
    for options, environment, in_file in layers:
        own.write_text(f"registry: {in_file}\n")
        program.run("global", "--dry-run", "--config", own, *options,
                    environment={"DSFAILOVER_GRACE": "0s", "DSFAILOVER_DS_CONFIG": str(path), **environment}, code=0)
    own.write_text(f"registry: {wrong.format('file')}\ndatabase: mysql://127.0.0.1:1/wrong\n")
    with_config(application_yaml(), "global", "--dry-run", "--config", own,
                environment={"DSFAILOVER_REGISTRY": wrong.format("env")}, code=0)


def test_config_shows_what_counts_and_where_it_came_from(cluster, application_yaml):
    path = application_yaml()
    result = with_config(path, "config", environment={"DSFAILOVER_LOCK_TIMEOUT": "5s"}, code=0)
    assert str(path) in result.stdout and "DSFAILOVER_LOCK_TIMEOUT" in result.stdout
    assert "lock-timeout" in result.stdout and cluster.db.database in result.stdout
    assert servers.PASSWORD not in result.stdout


def test_etcd_and_jdbc_by_environment(make_cluster):
    etcd = make_cluster("etcd", "postgresql")
    workflow = etcd.workflow()
    database = {"DSFAILOVER_DATABASE": etcd.db.url, "DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD,
                "DSFAILOVER_GRACE": "0s"}
    program.run("failover-master", DEAD, code=0, environment={
        **database, "REGISTRY_TYPE": "etcd", "REGISTRY_ENDPOINTS": f"http://{etcd.registry.server.address}",
        "REGISTRY_NAMESPACE": etcd.registry.namespace})
    etcd.assert_failed_over_once([workflow])
    jdbc = make_cluster("jdbc", "postgresql")
    workflow = jdbc.workflow()
    program.run("failover-master", DEAD, code=0, environment={
        **database, "DSFAILOVER_DATABASE": jdbc.db.url, "REGISTRY_TYPE": "jdbc"})
    jdbc.assert_failed_over_once([workflow])


def test_the_jdbc_registry_of_hikari_config(make_cluster, mariadb):
    from support import databases, registries
    cluster = make_cluster("jdbc", "postgresql")
    other = databases.on(mariadb)
    registry = registries.Jdbc(other, url=other.url)
    workflow = cluster.workflow()
    program.run("failover-master", DEAD, code=(0, 3), environment={
        "DSFAILOVER_DATABASE": cluster.db.url, "DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD,
        "DSFAILOVER_GRACE": "0s", "REGISTRY_TYPE": "jdbc",
        "REGISTRY_HIKARI_CONFIG_JDBC_URL": f"jdbc:mysql://127.0.0.1:{mariadb.port}/{other.database}",
        "REGISTRY_HIKARI_CONFIG_USERNAME": "ds", "REGISTRY_HIKARI_CONFIG_PASSWORD": servers.PASSWORD})
    cluster.assert_failed_over_once([workflow])
    assert registry.marks() and cluster.registry.marks() == {}
    registry.close()


def test_each_database_has_the_zone_of_its_own_driver(make_cluster, mariadb):
    """The workflows' driver writes in Shanghai's, the registry's in UTC: a worker that lives is seen to."""
    from support import databases, registries
    from support.cluster import HOUR, Cluster
    other = databases.on(mariadb)
    registry = registries.Jdbc(other, url=f"{other.url}?connectTimeout=9")
    cluster = Cluster(registry, databases.on(mariadb))
    cluster.db.execute("UPDATE t_ds_workflow_instance SET start_time = start_time + interval 8 hour")
    cluster.db.execute("UPDATE t_ds_task_instance SET submit_time = submit_time + interval 8 hour")
    workflow = cluster.workflow(start=ago(HOUR) + 8 * HOUR)
    database = (f"jdbc:mysql://127.0.0.1:{mariadb.port}/{cluster.db.database}?useUnicode=true&characterEncoding=UTF-8"
                "&useSSL=false&allowPublicKeyRetrieval=true&serverTimezone=Asia/Shanghai&user=ds")
    result = cluster.run("failover-master", DEAD, code=(0, 3), environment={
        "DSFAILOVER_REGISTRY_PASSWORD": servers.PASSWORD}, options=["--registry", registry.url, "--database", database])
    assert cluster.restart_ms(workflow) // 1000 == result.master["stamp"] // 1000 + 8 * 3600
    zones = {each["name"]: each["value"] for each in cluster.run(
        "config", code=0, options=["--registry", registry.url, "--database", database]).report["settings"]}
    assert zones["time-zone"] == "Asia/Shanghai" and zones["registry time-zone"] == "UTC"
    cluster.close()


def test_the_namespace_of_etcd_is_that_of_the_masters(make_cluster, etcd):
    """They put it before each key as it is, also with its slash."""
    from support import registries
    from support.cluster import Cluster
    registry = registries.Etcd(etcd, namespace="/with/a-slash")
    cluster = Cluster(registry, make_cluster().db)
    workflow = cluster.workflow()
    cluster.run("failover-master", DEAD, code=0, options=["--database", cluster.db.url], environment={
        "REGISTRY_TYPE": "etcd", "REGISTRY_ENDPOINTS": f"http://{etcd.address}",
        "REGISTRY_NAMESPACE": registry.namespace})
    cluster.assert_failed_over_once([workflow])
    assert len(registry.marks()) == 1
    cluster.failover_master(code=0)


def test_a_second_host_of_mysql_is_only_read(make_cluster):
    """As by the masters' driver, which takes it for a replica."""
    cluster = make_cluster("zookeeper", "mariadb")
    workflow = cluster.workflow()
    db = cluster.db
    options = ["--registry", cluster.registry.url, "--database",
               f"jdbc:mysql://127.0.0.1:{servers.free_port()},127.0.0.1:{db.server.port}/{db.database}?user=ds"]
    assert cluster.run("failover-master", DEAD, "--dry-run", code=0, options=options).workflows["selected"] == 1
    refused = cluster.run("failover-master", DEAD, options=options)
    assert refused.code in (1, 6) and "is not the first host" in refused.said
    assert cluster.state(workflow) == 1 and not cluster.commands() and not cluster.registry.marks()
    options[-1] += "&failOverReadOnly=false"
    cluster.run("failover-master", DEAD, code=0, options=options)
    cluster.assert_failed_over_once([workflow])


def test_the_masters_zone(cluster, application_yaml):
    from support.cluster import HOUR
    cluster.db.execute("UPDATE t_ds_workflow_instance SET start_time = start_time + interval '8 hours'")
    cluster.db.execute("UPDATE t_ds_task_instance SET submit_time = submit_time + interval '8 hours'")
    workflow = cluster.workflow(start=ago(HOUR) + 8 * HOUR)
    result = with_config(application_yaml(), "failover-master", DEAD,
                         environment={"SPRING_JACKSON_TIME_ZONE": "Asia/Shanghai"}, code=0)
    cluster.assert_failed_over_once([workflow])
    assert cluster.restart_ms(workflow) == result.master["stamp"] + 8 * HOUR


@pytest.mark.parametrize("text, said", [("spring: [", "yaml"), ("registry:\n  type: consul\n", "consul"), ("", "registry")])
def test_a_file_that_does_not_help(tmp_path, text, said):
    path = tmp_path / "application.yaml"
    path.write_text(text)
    result = with_config(path, "global", code=2)
    assert said in result.said


def test_a_file_that_is_not_there(tmp_path):
    result = with_config(tmp_path / "missing.yaml", "global", code=2)
    assert "missing.yaml" in result.said


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_missing_password_is_named(make_cluster, tmp_path, kind):
    cluster = make_cluster("zookeeper", kind)
    result = program.run("global", *cluster.options, environment={"HOME": str(tmp_path)}, code=6)
    assert "no password was given" in result.said and "--database-password-file" in result.said
    wrong = program.run("global", *cluster.options, code=6,
                        environment={"HOME": str(tmp_path), "DSFAILOVER_DATABASE_PASSWORD": "wrong-one"})
    assert "no password was given" not in wrong.said


@pytest.mark.parametrize("source", ["file", "pgpass"])
def test_passwords_from_files(cluster, tmp_path, source):
    if source == "file":
        path = tmp_path / "password"
        path.write_text(servers.PASSWORD + "\n")
        options, environment = ["--database-password-file", path], {}
    else:
        path = tmp_path / "pgpass"
        path.write_text(f"127.0.0.1:{cluster.db.server.port}:*:ds:{servers.PASSWORD}\n")
        options, environment = [], {"PGPASSFILE": str(path)}
    path.chmod(0o600)
    program.run("global", "--dry-run", *options, *cluster.options, environment=environment, code=0)


def test_a_password_from_my_cnf(make_cluster, tmp_path):
    cluster = make_cluster("zookeeper", "mariadb")
    (tmp_path / ".my.cnf").write_text(f"[client]\npassword={servers.PASSWORD}\n")
    program.run("global", "--dry-run", *cluster.options, environment={"HOME": str(tmp_path)}, code=0)


@pytest.mark.parametrize("parameters", ["?sslmode=prefer", "?currentSchema=public", "?ApplicationName=x", "?ssl=false"])
def test_jdbc_urls_word_for_word(cluster, parameters):
    db = cluster.db
    program.run("global", "--dry-run", "--registry", cluster.registry.url, "--database",
                f"jdbc:postgresql://127.0.0.1:{db.server.port}/{db.database}{parameters}&user=ds",
                environment={"DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD}, code=0)


def test_several_hosts_in_a_jdbc_url(cluster):
    db = cluster.db
    program.run("global", "--dry-run", "--registry", cluster.registry.url, "--database",
                f"jdbc:postgresql://127.0.0.1:{servers.free_port()},127.0.0.1:{db.server.port}/{db.database}?user=ds",
                environment={"DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD}, code=0)


def test_tls_that_the_server_cannot_give_is_refused(cluster):
    db = cluster.db
    result = program.run("global", "--registry", cluster.registry.url, "--database",
                         f"jdbc:postgresql://127.0.0.1:{db.server.port}/{db.database}?sslmode=require&user=ds",
                         environment={"DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD}, code=6)
    assert "SSL" in result.said or "TLS" in result.said
