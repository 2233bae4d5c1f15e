"""A ZooKeeper that wants what dsfailover does not have: the run ends in its time and says what it may be."""

import subprocess

import pytest

from support import program
from support.certificates import Certificates
from support.cluster import until
from support.servers import HOST, ZooKeeper, free_port

MAY_DEMAND = "it may demand SASL or TLS"


class SaslZooKeeper(ZooKeeper):
    """Only clients that logged in by SASL get in."""

    def __init__(self, *settings):
        super().__init__()
        self._settings = settings

    def prepare(self):
        super().prepare()
        with open(f"{self.folder}/jaas.conf", "w", encoding="ascii") as jaas:
            jaas.write("Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_ds=\"x\"; };\n")
        with open(f"{self.folder}/zoo.cfg", "a", encoding="ascii") as config:
            config.write("\n".join(("authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
                                    *self._settings, "")))
        self._properties = {**ZooKeeper._properties, "java.security.auth.login.config": f"{self.folder}/jaas.conf"}


@pytest.mark.parametrize("settings", [("sessionRequireClientSASLAuth=true",),
                                      ("enforce.auth.enabled=true", "enforce.auth.schemes=sasl")])
def test_sasl(settings):
    with SaslZooKeeper(*settings) as server:
        result = program.run("list-marks", "--registry", server.url() + "?connect-timeout=4s", code=6)
    assert MAY_DEMAND in result.said and result.seconds < 8


def test_a_tls_port(tmp_path):
    Certificates(tmp_path)
    port = free_port()
    server = subprocess.Popen(["openssl", "s_server", "-accept", f"{HOST}:{port}", "-cert", "server.pem", "-key", "server.key"],
                              cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        until(lambda: b"ACCEPT" in server.stdout.readline())
        result = program.run("list-marks", "--registry", f"zookeeper://{HOST}:{port}/ds?connect-timeout=3s", code=6)
    finally:
        server.kill()
        server.wait()
    assert MAY_DEMAND in result.said and "stunnel" in result.said and result.seconds < 6


def test_nobody_at_all():
    result = program.run("list-marks", "--registry", f"zookeeper://{HOST}:{free_port()}/ds?connect-timeout=1s", code=6)
    assert MAY_DEMAND not in result.said and "srvr" in result.said
