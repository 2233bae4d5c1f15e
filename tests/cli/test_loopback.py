"""No test, rehearsal or example names a server that is not on this machine: nothing is ever connected to elsewhere."""

import ipaddress
import json
import re
import subprocess

import pytest

from support import program
from support.connection_watch import connections
from support.databases import Sqlite
from support.program import ROOT
from support.registries import MASTERS, WORKERS

# What stands there is only parsed or read, never given to a run as a server.
MAY_NAME_OTHERS = {
    "tests/unit/address_test.cc": "the parser's test, IPv6 addresses of RFC 3849 among them",
    "tests/unit/database_parts_test.cc": "prints a database's URL with an IPv6 host (of RFC 3849, for examples)",
}

# A part of an address may be put in when a test runs: 127.0.1.{number}, 127.1.%d.%d, '127.9.0.' || n.
PART = r"\.(?:\d{1,3}|\{[^{}\n]*\}|%d)"
IPV4 = re.compile(rf"(?<![\w.])(\d{{1,3}})(?:(?:{PART}){{3}}(?!\.?\d)|(?:\.\d{{1,3}}){{1,2}}\.['\"])")
IPV6 = re.compile(r"\[([0-9a-fA-F:]+)\]:\d")


def is_ipv6_loopback(host):
    try:
        return ipaddress.IPv6Address(host).is_loopback
    except ValueError:
        return True  # no address


def outside_loopback(text):
    return ([found[0] for found in IPV4.finditer(text) if found[1] != "127"]
            + [found[0] for found in IPV6.finditer(text) if not is_ipv6_loopback(found[1])])


def files():
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, text=True)
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in ROOT.rglob("*") if path.relative_to(ROOT).parts[0] != "build"]


def test_no_file_names_a_server_elsewhere():
    found = {}
    for path in files():
        addresses = outside_loopback(path.read_text(errors="replace")) if path.is_file() else []
        if addresses:
            found[str(path.relative_to(ROOT))] = addresses
    assert {name: addresses for name, addresses in found.items() if name not in MAY_NAME_OTHERS} == {}
    assert set(MAY_NAME_OTHERS) <= set(found), "what names no others needs no reason"


@pytest.mark.parametrize("address", ["{}.0.0.1:5678", "'{}.0.0.1_77'", "{}.9.{{n // 250}}.{{n % 250}}:5678",
                                     "{}.1.%d.%d:5678", "'{}.9.0.' || i"])
def test_an_address_is_recognized(address):
    assert outside_loopback(f"host {address.format(10)}") and not outside_loopback(f"host {address.format(127)}")


def test_an_ipv6_address_is_recognized():
    assert outside_loopback("[{}::1]:5678".format("fd00")) and not outside_loopback("[::1]:5678")


def test_the_sandbox_knows_no_server_elsewhere(tmp_path):
    program.run("sandbox", "create", tmp_path / "sandbox.db", code=0)
    db = Sqlite(tmp_path / "sandbox.db")
    try:
        tables = [row["name"] for row in db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: db.rows(f"SELECT * FROM {table}") for table in tables}
    finally:
        db.close()
    hosts = {row["host"] for each in rows.values() for row in each if row.get("host")}
    nodes = {row["data_key"]: row["data_value"] for row in rows["t_ds_jdbc_registry_data"]}
    servers = {key: value for key, value in nodes.items() if key.startswith((MASTERS + "/", WORKERS + "/"))}
    hosts |= {key.rpartition("/")[2] for key in servers}
    hosts |= {"{host}:{port}".format(**json.loads(value)) for value in servers.values()}
    assert len(hosts) >= 4
    assert [host for host in hosts if not ipaddress.ip_address(host.rpartition(":")[0]).is_loopback] == []
    registry = [row for table, each in rows.items() if table.startswith("t_ds_jdbc_registry_") for row in each]
    assert registry and outside_loopback(json.dumps(registry, default=str)) == []


def test_the_connections_of_every_run_are_counted(make_cluster):
    if not connections.watches:
        pytest.skip("under a sanitizer")
    cluster = make_cluster("zookeeper", "postgresql")
    connections.take()
    cluster.run("status", code=0)
    ports = {line.split()[1] for line in connections.take()}
    assert ports == {cluster.registry.server.address.rpartition(":")[2], str(cluster.db.server.port)}


def test_a_connection_elsewhere_is_refused_and_fails_the_test_that_makes_it(tmp_path):
    if not connections.watches:
        pytest.skip("under a sanitizer")
    elsewhere = ".".join(["192", "0", "2", "1"])  # RFC 5737, for documentation
    program.run("list-marks", "--registry", f"zookeeper://{elsewhere}:2181/ds", code=6, timeout=60)
    assert f"refused {elsewhere} 2181" in connections.take()
