"""An installation of DolphinScheduler says where the cluster is; nothing in its files is run."""

import pytest

from support import program, registries, servers
from support.cluster import DEAD, Cluster

YAML = """\
spring:
  profiles:
    active: postgresql
  datasource:
    url: jdbc:postgresql://127.0.0.1:1/dolphinscheduler
    username: root
    password: root
registry:
  type: zookeeper
  zookeeper:
    namespace: {namespace}
    connect-string: localhost:1
    digest: ~
---
spring:
  config:
    activate:
      on-profile: mysql
  datasource:
    url: jdbc:mysql://127.0.0.1:1/dolphinscheduler
"""

ENV = """\
# JAVA_HOME, will use it to start DolphinScheduler server
export JAVA_HOME=${{JAVA_HOME:-/opt/soft/java}}\r
export DATABASE=${{DATABASE:-postgresql}}
export SPRING_PROFILES_ACTIVE=${{DATABASE}}
export SPRING_DATASOURCE_URL="jdbc:postgresql://127.0.0.1:{port}/{database}?characterEncoding=utf8&stringtype=unspecified"  # ours
SPRING_DATASOURCE_USERNAME=ds
SPRING_DATASOURCE_PASSWORD='{password}'
export SPRING_DATASOURCE_USERNAME SPRING_DATASOURCE_PASSWORD
export REGISTRY_TYPE=${{REGISTRY_TYPE:-zookeeper}}
export REGISTRY_ZOOKEEPER_CONNECT_STRING=${{REGISTRY_ZOOKEEPER_CONNECT_STRING:-{zookeeper}}}
export PATH=$JAVA_HOME/bin:$PATH
"""


@pytest.fixture
def cluster(make_cluster):
    return make_cluster("zookeeper", "postgresql")


@pytest.fixture
def home(cluster, tmp_path):
    (tmp_path / "master-server/conf").mkdir(parents=True)
    (tmp_path / "bin/env").mkdir(parents=True)
    (tmp_path / "master-server/conf/application.yaml").write_text(
        YAML.format(namespace=cluster.registry.namespace.lstrip("/")))
    env = env_of(cluster)
    (tmp_path / "master-server/conf/dolphinscheduler_env.sh").write_text(env)
    (tmp_path / "bin/env/dolphinscheduler_env.sh").write_text(env)
    return tmp_path


def env_of(cluster, **more):
    return ENV.format(**{"port": cluster.db.server.port, "database": cluster.db.database, "password": servers.PASSWORD,
                         "zookeeper": cluster.registry.server.address, **more})


def run(*arguments, environment=None, **options):
    return program.run(*arguments, environment={"DSFAILOVER_GRACE": "0s", **(environment or {})}, **options)


def test_the_folder_alone_is_enough(cluster, home):
    workflow = cluster.workflow()
    # A forgotten variable does not lead elsewhere.
    elsewhere = {"DSFAILOVER_DATABASE": "mysql://127.0.0.1:1/other", "DSFAILOVER_REGISTRY": "jdbc"}
    run("failover-master", DEAD, "--ds-home", home, environment=elsewhere, code=0)
    cluster.assert_failed_over_once([workflow])
    shown = run("config", "--ds-home", home, environment=elsewhere, code=0)
    assert shown["warnings"] == []
    settings = {each["name"]: each for each in shown["settings"]}
    env = home / "master-server/conf/dolphinscheduler_env.sh"
    assert settings["database"]["origin"] == f"{env}:5: SPRING_DATASOURCE_URL"
    assert settings["registry"]["origin"] == f"{env}:10: REGISTRY_ZOOKEEPER_CONNECT_STRING"
    assert settings["database-password"]["value"] == "(hidden)"


def test_the_copy_that_the_master_was_started_with_counts(cluster, home):
    env = home / "bin/env/dolphinscheduler_env.sh"
    env.write_text(env.read_text().replace(cluster.db.database, "other"))
    result = run("global", "--dry-run", "--ds-home", home, code=0)
    assert "differ in SPRING_DATASOURCE_URL (line 5, and line 5 in the other)" in result.said
    (home / "master-server/conf/dolphinscheduler_env.sh").unlink()
    assert "other" in run("global", "--dry-run", "--ds-home", home, code=6).said


def test_an_env_file_runs_nothing(cluster, home, tmp_path):
    """Whatever stands in it."""
    marker = tmp_path / "was-run"
    env = tmp_path / "evil.sh"
    lines = [f"touch {marker}", f"export A=$(touch {marker})", f"export REGISTRY_TYPE=`touch {marker}; echo etcd`",
             f": ${{B:=$(touch {marker})}}", f"eval 'touch {marker}'", f"source <(touch {marker})",
             f"if touch {marker}; then export REGISTRY_TYPE=etcd; fi", f"trap 'touch {marker}' EXIT"]
    env.write_text(env_of(cluster) + "\n".join(lines) + "\n")
    result = run("global", "--dry-run", "--ds-env", env, "--ds-config", home / "master-server/conf/application.yaml", code=0)
    assert not marker.exists()
    assert f"{env}:14: REGISTRY_TYPE: " in result.said


@pytest.mark.parametrize("kind", ["docker", "systemd"])
def test_lists_of_variables(cluster, tmp_path, kind):
    db = cluster.db
    url = f"jdbc:postgresql://127.0.0.1:{db.server.port}/{db.database}?ApplicationName=a b&stringtype=unspecified"
    quote = '"' if kind == "systemd" else ""
    (tmp_path / ".env").write_text("".join(line + "\n" for line in (
        "HUB=apache", "TZ=Asia/Shanghai", "# the database", f"SPRING_DATASOURCE_URL={quote}{url}{quote}",
        "SPRING_DATASOURCE_USERNAME = ds", f"SPRING_DATASOURCE_PASSWORD={quote}{servers.PASSWORD}{quote} # ours",
        f"ZK={cluster.registry.server.address}", "REGISTRY_ZOOKEEPER_CONNECT_STRING=${ZK}",
        f"REGISTRY_ZOOKEEPER_NAMESPACE={cluster.registry.namespace.lstrip('/')}")))
    workflow = cluster.workflow()
    run("failover-master", DEAD, "--ds-env", tmp_path / ".env", code=0)
    assert run("config", "--ds-env", tmp_path / ".env", code=0)["warnings"] == []
    cluster.assert_failed_over_once([workflow])


def test_keys_are_below_a_chroot(cluster, home):
    """Of the connect string; read here by a client that knows nothing of it."""
    registry = registries.ZooKeeper(cluster.registry.server, namespace="/" + cluster.registry.namespace.strip("/") + "-root/ds")
    below = Cluster(registry, cluster.db)
    workflow = below.workflow()
    chroot, _, name = registry.namespace.rpartition("/")
    env = {"REGISTRY_ZOOKEEPER_CONNECT_STRING": cluster.registry.server.address + chroot,
           "REGISTRY_ZOOKEEPER_NAMESPACE": name}
    result = run("failover-master", DEAD, "--ds-home", home, environment=env, code=0)
    assert result["registry"]["namespace"] == registry.namespace
    below.assert_failed_over_once([workflow])
    assert len(registry.marks()) == 1 and cluster.registry.marks() == {}
    registry.close()


def test_nothing_configured_leads_with_the_folder():
    said = program.run("status", code=2).said
    assert said.index("--ds-home /opt/dolphinscheduler") < said.index("--database postgresql://")


def test_our_own_files_in_their_usual_places(cluster, tmp_path):
    (tmp_path / "dsfailover").mkdir()
    (tmp_path / "dsfailover/config.yaml").write_text(f"registry: {cluster.registry.url}\ndatabase: {cluster.db.url}\n")
    run("global", "--dry-run", environment={"XDG_CONFIG_HOME": str(tmp_path),
                                            "DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD}, code=0)
