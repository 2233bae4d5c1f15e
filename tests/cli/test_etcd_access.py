"""etcd behind TLS with client certificates, and with users and passwords."""

import os
import socket

import pytest
import requests

from support import program, registries
from support.certificates import Certificates
from support.cluster import DEAD, Cluster, until
from support.databases import Sqlite
from support.registries import LOCKS, MARKS
from support.servers import HOST, Etcd


class TlsEtcd(Etcd):
    """Only clients with a certificate of its authority get in."""

    def file(self, name):
        return os.path.join(self.folder, name)

    def prepare(self):
        super().prepare()
        self.certificates = Certificates(self.folder)

    def command(self):
        plain = [each.replace(f"http://{self.address}", f"https://{self.address}") for each in super().command()]
        return [*plain, "--client-cert-auth", "--trusted-ca-file", self.file("ca.pem"),
                "--cert-file", self.file("server.pem"), "--key-file", self.file("server.key")]

    def answers(self):
        with socket.create_connection((HOST, self.port), 5):
            return True


class TlsRegistry(registries.Etcd):
    def call(self, method, timeout=20, **body):
        server = self.server
        answer = requests.post(f"https://{server.address}/v3/{method}", json=body, timeout=timeout,
                               verify=server.file("ca.pem"),
                               cert=(server.file("client.pem"), server.file("client.key")))
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def tls_etcd():
    with TlsEtcd() as server:
        yield server


@pytest.fixture
def cluster(tls_etcd, tmp_path):
    made = Cluster(TlsRegistry(tls_etcd), Sqlite(tmp_path / "ds.db"))
    yield made
    made.close()


def certificates(server, *leave_out):
    return [word for option, name in (("ca", "ca.pem"), ("cert", "client.pem"), ("key", "client.key"))
            if option not in leave_out for word in (f"--registry-{option}", server.file(name))]


def test_a_failover_through_tls_with_a_client_certificate(cluster, tls_etcd):
    workflow = cluster.workflow()
    result = cluster.failover_master(*certificates(tls_etcd), code=0)
    cluster.assert_failed_over_once([workflow], result.master["stamp"])
    assert cluster.mark_value() == str(result.master["deadline"])


def test_without_a_client_certificate_nothing_is_done(cluster, tls_etcd):
    workflow = cluster.workflow()
    result = cluster.failover_master(*certificates(tls_etcd, "cert", "key"), code=6)
    assert tls_etcd.address in " ".join(result.report["errors"])
    assert cluster.state(workflow) == 1


def test_a_server_of_another_authority_is_refused(cluster, tls_etcd):
    cluster.workflow()
    other = ["--registry-ca", "/etc/ssl/certs/ca-certificates.crt"]
    if not os.path.exists(other[1]):
        other = ["--registry-ca", tls_etcd.file("client.pem")]
    result = cluster.failover_master(*certificates(tls_etcd, "ca"), *other, code=6)
    assert tls_etcd.address in " ".join(result.report["errors"])


@pytest.mark.parametrize("properties, words", [({"days": -1}, "expired"), ({"address": "127.0.0.9"}, "127.0.0.1")])
def test_a_certificate_that_expired_or_is_another_server_s_is_refused(cluster, tls_etcd, properties, words):
    """It is read anew for each connection."""
    tls_etcd.certificates.issue("genuine")
    tls_etcd.certificates.issue("bad", **properties)
    tls_etcd.certificates.present("bad")
    try:
        result = cluster.run("list-marks", *certificates(tls_etcd), code=6, options=["--registry", cluster.registry.url])
    finally:
        tls_etcd.certificates.present("genuine")
    assert tls_etcd.address in result["errors"][0] and words in result["errors"][0], result


def as_masters(cluster, server, **variables):
    """Runs with their own variables; paths are relative, from DolphinScheduler's folder."""
    home = os.path.join(server.folder, "home", "bin", "env")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "dolphinscheduler_env.sh"), "w", encoding="ascii") as env:
        env.write("".join(f"export {name}={value}\n" for name, value in variables.items()))
    return program.run("failover-master", DEAD, "--ds-home", os.path.join(server.folder, "home"),
                       environment={"REGISTRY_TYPE": "etcd", "REGISTRY_NAMESPACE": cluster.registry.namespace,
                                    "DSFAILOVER_DATABASE": cluster.db.url, "DSFAILOVER_GRACE": "0s"})


def test_tls_as_the_masters_have_it(cluster, tls_etcd):
    """With all three files, without a scheme; with fewer there is none, and a warning says so."""
    workflow = cluster.workflow()
    files = {"REGISTRY_CERT_FILE": "../ca.pem", "REGISTRY_KEY_CERT_CHAIN_FILE": "../client.pem"}
    plain = as_masters(cluster, tls_etcd, REGISTRY_ENDPOINTS=tls_etcd.address, **files)
    assert plain.code == 6 and f"http://{tls_etcd.address}" in plain.said and "without TLS" in plain.said
    result = as_masters(cluster, tls_etcd, REGISTRY_ENDPOINTS=tls_etcd.address, REGISTRY_KEY_FILE="../client.key", **files)
    assert result.code == 0, result
    cluster.assert_failed_over_once([workflow])


@pytest.fixture
def guarded(tmp_path):
    """An etcd whose keys only root may touch, and its cluster."""
    with Etcd() as server:
        made = Cluster(registries.Etcd(server), Sqlite(tmp_path / "ds.db"))
        made.workflow()
        server.etcdctl("user", "add", "root:correct horse")
        server.etcdctl("user", "grant-role", "root", "root")
        server.etcdctl("auth", "enable")
        yield made, server


def test_user_and_password(guarded, tmp_path):
    cluster, server = guarded
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    as_root = ["--registry-user", "root", "--registry-password-file", str(password)]
    result = cluster.failover_master(*as_root, code=0)
    assert result.workflows["failed_over"] == 1
    key = f"{cluster.registry.namespace}{MARKS}/{DEAD}-unknown-unknown"
    standing = until(lambda: server.etcdctl("--user", "root:correct horse", "get", key))
    assert standing.split() == [key, str(result.master["deadline"])]


def test_a_token_that_the_server_forgets_is_fetched_anew(guarded, tmp_path):
    """In the middle of a run that holds its lock."""
    cluster, server = guarded
    (tmp_path / "password").write_text("correct horse\n")
    root = ("--user", "root:correct horse")
    run = cluster.start("failover-master", DEAD, "--grace", "3s", "--registry-user", "root",
                        "--registry-password-file", str(tmp_path / "password"))
    until(lambda: server.etcdctl(*root, "get", "--prefix", "--keys-only", f"{cluster.registry.namespace}{LOCKS}").strip())
    server.etcdctl(*root, "auth", "disable")
    server.etcdctl("auth", "enable")
    assert run.finish(0).workflows["failed_over"] == 1


@pytest.mark.parametrize("password", [None, "battery staple"])
def test_a_wrong_password_or_none_is_told_and_not_shown(guarded, tmp_path, password):
    cluster, server = guarded
    options = []
    if password:
        (tmp_path / "password").write_text(password)
        options = ["--registry-user", "root", "--registry-password-file", str(tmp_path / "password")]
    result = cluster.failover_master(*options, code=6)
    assert server.address in " ".join(result.report["errors"])
    assert "battery" not in str(result.report)
    assert not cluster.commands()
