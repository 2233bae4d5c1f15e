"""Passwords, however they are given and whatever goes wrong: they are in nothing that a run says or leaves, and no other
process gets them."""

import base64
import concurrent.futures
import os
import stat
import urllib.parse

import pytest

from support import program, servers
from support.cluster import DEAD, hold, until, waits_for_a_row
from support.hostile import AskingMySql
from support.proxy import Proxy
from support.servers import HOST, Etcd, free_port

# One that URLs and shells have to write otherwise, and that no server knows.
WRONG = "wr0ng/one+of%ds&=?#"
USER = "ds"
NO_HOST = "no-such-host.invalid"


def forms(password):
    """How it could stand in a text."""
    login = f"{USER}:{password}"
    return {password, urllib.parse.quote(password, safe=""), urllib.parse.quote(password),
            base64.b64encode(password.encode()).decode(), base64.b64encode(login.encode()).decode()}


# -- ways to give a password: each returns options and environment

def in_url(folder, scheme, address, rest, password):
    return [f"{scheme}://{USER}:{urllib.parse.quote(password, safe='')}@{address}{rest}"], {}


def in_password_file(folder, scheme, address, rest, password, what="database"):
    file = folder / "password"
    file.write_text(password + "\n")
    file.chmod(0o600)
    return [f"{scheme}://{USER}@{address}{rest}", f"--{what}-password-file", str(file)], {}


def in_environment(folder, scheme, address, rest, password, what="database"):
    return [f"{scheme}://{USER}@{address}{rest}"], {f"DSFAILOVER_{what.upper()}_PASSWORD": password}


def database_ways(folder, scheme, address, database, tls, password):
    """Every way to give a database's password, by name: the options that name the database, and the environment."""
    rest = f"/{database}?sslmode={tls}" if tls else f"/{database}"
    folder.mkdir()
    url, _ = in_url(folder, scheme, address, rest, password)
    yield "url", ["--database", *url], {}
    yield "environment_url", [], {"DSFAILOVER_DATABASE": url[0]}
    options, environment = in_environment(folder, scheme, address, rest, password)
    yield "environment", ["--database", *options], environment
    options, environment = in_password_file(folder, scheme, address, rest, password)
    yield "password_file", ["--database", *options], environment
    jdbc_tls = {"": "", "require": "&sslmode=require" if scheme == "postgresql" else "&sslMode=REQUIRED"}[tls]
    jdbc = f"jdbc:{scheme}://{address}/{database}?user={USER}"
    jdbc_password = f"&password={urllib.parse.quote(password, safe='')}{jdbc_tls}"
    yield "jdbc_url", ["--database", jdbc + jdbc_password], {}
    config = folder / "config.yaml"
    config.write_text(f"database: \"{url[0]}\"\n")
    yield "config_file", ["--config", str(config)], {}
    plain_jdbc = f"jdbc:{scheme}://{address}/{database}?a=b{jdbc_tls}"
    env = folder / "dolphinscheduler_env.sh"
    env.write_text(f"export SPRING_DATASOURCE_URL='{plain_jdbc}'\nexport SPRING_DATASOURCE_USERNAME={USER}\n"
                   f"export SPRING_DATASOURCE_PASSWORD='{password}'\n")
    yield "env_file", ["--ds-env", str(env)], {}
    home = folder / "home"
    (home / "master-server" / "conf").mkdir(parents=True)
    (home / "master-server" / "conf" / "application.yaml").write_text(
        f"spring:\n  datasource:\n    url: '{plain_jdbc}'\n    username: {USER}\n    password: '{password}'\n")
    yield "ds_home", ["--ds-home", str(home)], {}
    yield "spring", [], {"SPRING_DATASOURCE_URL": plain_jdbc, "SPRING_DATASOURCE_USERNAME": USER,
                         "SPRING_DATASOURCE_PASSWORD": password}
    if scheme == "postgresql":
        passfile = folder / "pgpass"
        passfile.write_text("*:*:*:*:" + password.replace(":", "\\:") + "\n")
        passfile.chmod(0o600)
        yield "library_file", ["--database", f"{scheme}://{USER}@{address}{rest}"], {"PGPASSFILE": str(passfile)}
    else:
        (folder / ".my.cnf").write_text(f"[client]\npassword=\"{password}\"\n")
        yield "library_file", ["--database", f"{scheme}://{USER}@{address}{rest}"], {"HOME": str(folder)}


def registry_ways(folder, scheme, address, password):
    folder.mkdir()
    rest = "/ds?connect-timeout=1s"
    url, _ = in_url(folder, scheme, address, rest, password)
    yield "url", ["--registry", *url], {}
    yield "environment_url", [], {"DSFAILOVER_REGISTRY": url[0]}
    options, environment = in_environment(folder, scheme, address, rest, password, "registry")
    yield "environment", ["--registry", *options], environment
    options, environment = in_password_file(folder, scheme, address, rest, password, "registry")
    yield "password_file", ["--registry", *options], environment
    config = folder / "config.yaml"
    config.write_text(f"registry: \"{url[0]}\"\n")
    yield "config_file", ["--config", str(config)], {}
    if scheme == "zookeeper":
        said = {"REGISTRY_TYPE": "zookeeper", "REGISTRY_ZOOKEEPER_CONNECT_STRING": address,
                "REGISTRY_ZOOKEEPER_NAMESPACE": "ds", "REGISTRY_ZOOKEEPER_DIGEST": f"{USER}:{password}",
                "REGISTRY_ZOOKEEPER_CONNECTION_TIMEOUT": "1s"}
    else:
        said = {"REGISTRY_TYPE": "etcd", "REGISTRY_ENDPOINTS": ("https://" if scheme == "etcds" else "http://") + address,
                "REGISTRY_NAMESPACE": "ds", "REGISTRY_USER": USER, "REGISTRY_PASSWORD": password}
    env = folder / "dolphinscheduler_env.sh"
    env.write_text("".join(f"export {name}='{value}'\n" for name, value in said.items()))
    yield "env_file", ["--ds-env", str(env)], {}
    yield "spring", [], said


# -- runs that must keep it

def assert_kept(folder, options, environment, command=("global",), password=WRONG, code=6):
    """Runs it as loudly as it can; the password is in nothing that it says or leaves. Returns what an operator reads."""
    folder.mkdir(exist_ok=True)
    audit, output = folder / "audit.jsonl", folder / "report.json"
    result = program.run(*command, *options, "--log-level", "trace", "--audit-log", audit, "--output", output,
                         environment={"DSFAILOVER_GRACE": "0s", **environment}, code=code)
    report = output.read_text()
    left = [result.stdout, result.stderr, report] + ([audit.read_text()] if audit.exists() else [])
    for text in left:
        for form in forms(password):
            assert form not in text, f"{form} in {text}"
    for file in (audit, output):
        assert not file.exists() or stat.S_IMODE(file.stat().st_mode) == 0o600
    return report + result.stderr


def assert_all_kept(tmp_path, failures, registry_options=(), **options):
    """`failures`: by name, the ways to give the password and the words that an operator has to find."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = {}
        for failure, (ways, words) in failures.items():
            for way, given, environment in ways:
                runs[failure, way] = words, pool.submit(assert_kept, tmp_path / f"{failure}-{way}",
                                                        [*given, *registry_options], environment, **options)
        for run, (words, under_way) in runs.items():
            said = under_way.result()
            assert any(word in said for word in words), (run, said)
            assert "no password was given" not in said, run
        return set(way for _, way in runs)


@pytest.fixture(params=["postgresql", "mariadb"])
def cluster(request, make_cluster):
    return make_cluster("zookeeper", request.param)


def test_a_database_s_password(cluster, tmp_path):
    server, database = cluster.db.server, cluster.db.database
    nobody = f"{HOST}:{free_port()}"

    def ways(name, address, tls=""):
        return database_ways(tmp_path / name, server.scheme, address, database, tls, WRONG)

    found = assert_all_kept(tmp_path, {
        "denied": (ways("denied", server.address), ("authentication failed", "Access denied")),
        "no_host": (ways("no_host", f"{NO_HOST}:{server.port}"), (NO_HOST,)),
        "refused": (ways("refused", nobody), (nobody, "onnection refused", "Can't connect")),
        "tls": (ways("tls", server.address, "require"), ("SSL", "TLS"))}, ["--registry", cluster.registry.url])
    assert len(found) == 10


@pytest.mark.parametrize("marker", [b"t_ds_version", b"t_ds_workflow_instance", b"INSERT INTO t_ds_command"])
def test_a_database_that_goes_in_the_run(cluster, tmp_path, marker):
    """The password is right, and the library has it."""
    cluster.workflow()
    with Proxy(HOST, cluster.db.server.port) as proxy:
        proxy.cut_before(marker, for_good=True)
        options, _ = in_url(tmp_path, cluster.db.server.scheme, proxy.address, f"/{cluster.db.database}", servers.PASSWORD)
        said = assert_kept(tmp_path, ["--registry", cluster.registry.url, "--database", *options], {},
                           ("failover-master", DEAD), servers.PASSWORD, (1, 6))
        assert proxy.fired.is_set() and proxy.address in said


def test_zookeeper_s_digest(zookeeper, tmp_path):
    from kazoo.client import KazooClient
    from kazoo.security import CREATOR_ALL_ACL
    client = KazooClient(zookeeper.address, auth_data=[("digest", "ds:another")])
    client.start()
    for path in ("/ds", "/ds/nodes", "/ds/nodes/master"):
        client.create(path, b"", acl=CREATOR_ALL_ACL)
    try:
        nobody = f"{HOST}:{free_port()}"
        found = assert_all_kept(tmp_path, {
            "denied": (registry_ways(tmp_path / "denied", "zookeeper", zookeeper.address, WRONG), ("not authenticated",)),
            "no_host": (registry_ways(tmp_path / "no_host", "zookeeper", f"{NO_HOST}:2181", WRONG), (NO_HOST,)),
            "refused": (registry_ways(tmp_path / "refused", "zookeeper", nobody, WRONG), (nobody,))},
            command=("clean-marks",))
        assert len(found) == 7
    finally:
        client.delete("/ds", recursive=True)
        client.stop()
        client.close()


def test_etcd_s_password(tmp_path):
    with Etcd() as server:
        server.etcdctl("user", "add", "root:correct horse")
        server.etcdctl("user", "grant-role", "root", "root")
        server.etcdctl("auth", "enable")
        nobody = f"{HOST}:{free_port()}"
        found = assert_all_kept(tmp_path, {
            "denied": (registry_ways(tmp_path / "denied", "etcd", server.address, WRONG), ("authentication failed",)),
            "no_host": (registry_ways(tmp_path / "no_host", "etcd", f"{NO_HOST}:2379", WRONG), (NO_HOST,)),
            "refused": (registry_ways(tmp_path / "refused", "etcd", nobody, WRONG), (nobody,)),
            "tls": (registry_ways(tmp_path / "tls", "etcds", server.address, WRONG), ("SSL", "TLS", "tls"))},
            command=("clean-marks",))
        assert len(found) == 7


def test_no_other_process_gets_it(cluster, tmp_path):
    """Those who look at the process list see neither the password nor anybody who was started with it."""
    other = hold(cluster, cluster.workflow())
    options, _ = in_password_file(tmp_path, cluster.db.server.scheme, cluster.db.server.address, f"/{cluster.db.database}",
                                  servers.PASSWORD)
    run = program.Run(["failover-master", DEAD, "--registry", cluster.registry.url, "--database", *options],
                      {"DSFAILOVER_GRACE": "0s"})
    until(lambda: waits_for_a_row(cluster.db))
    assert servers._descendants(run.process.pid) == []
    for name in ("cmdline", "environ", "comm"):
        with open(f"/proc/{run.process.pid}/{name}", "rb") as file:
            assert servers.PASSWORD.encode() not in file.read()
    other.execute("ROLLBACK")
    run.finish(0)


# -- files

@pytest.mark.parametrize("mode, warned", [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_password_file_that_others_can_read_is_warned_about(mode, warned, tmp_path):
    options, _ = in_password_file(tmp_path, "postgresql", f"{HOST}:1", "/ds", WRONG)
    os.chmod(options[-1], mode)
    result = program.run("config", "--database", *options, code=0)
    assert any(options[-1] in warning and "chmod 600" in warning for warning in result["warnings"]) == warned


def test_reports_and_audit_logs_are_for_their_owner(make_cluster, tmp_path):
    """Whatever the umask; nor does a link lead them elsewhere."""
    cluster = make_cluster("jdbc", "sqlite")
    cluster.workflow()
    audit, output, link = tmp_path / "audit.jsonl", tmp_path / "report.json", tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for option in ("--audit-log", "--output"):
        result = cluster.failover_master(option, link, code=2)
        assert "symbolic link" in result.said and not (tmp_path / "elsewhere").exists()
    before = os.umask(0)
    try:
        cluster.failover_master("--audit-log", audit, "--output", output, code=0)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (audit, output)} == {0o600}


def test_no_server_gets_a_password_in_clear_text_for_asking(zookeeper):
    with AskingMySql() as server:
        result = program.run("status", "--registry", zookeeper.url(), "--database", f"mysql://{USER}@{server.address}/ds", code=6,
                             environment={"DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD})
    assert USER.encode() in server.received and servers.PASSWORD.encode() not in server.received
    assert server.address in result.said and "clear text" in result.said and "sslmode=verify-full" in result.said
