"""Servers that answer nothing, too slowly, without end or not at all: each run is over in its time, says which server it
was and what to look at, and has done nothing."""

import concurrent.futures
import contextlib

import pytest

from support import program, servers
from support.cluster import DEAD
from support.hostile import BEGINNINGS, Hostile, EndlessZooKeeper
from support.program import SLOWNESS

# Longest time a run may take, in seconds: the limits of docs/reliability.md. SLACK is for a busy machine.
LIMITS = {"zookeeper": 10 + 1, "etcd": 10, "postgresql": 5, "mysql": 5}
SLACK = 10 * SLOWNESS


@contextlib.contextmanager
def at_once():
    """A function that runs something while the others run, too; in the end each has to have gone well."""
    with concurrent.futures.ThreadPoolExecutor(32 // SLOWNESS) as pool:
        under_way = []
        yield lambda *work: under_way.append(pool.submit(*work))
        for each in under_way:
            each.result()


def url(kind, address):
    return f"{kind}://{address}/ds" if kind in ("zookeeper", "etcd") else f"{kind}://ds@{address}/ds"


def assert_it_ends(kind, mode, *arguments, limit=None):
    """`arguments` may have "{}", where the hostile server's URL goes."""
    with Hostile(mode, BEGINNINGS[kind]) as server:
        result = program.run(*(argument.format(url(kind, server.address)) for argument in arguments), code=6,
                             environment={"DSFAILOVER_DATABASE_PASSWORD": servers.PASSWORD, "DSFAILOVER_GRACE": "0s"})
        assert result.seconds < (limit or LIMITS[kind]) + SLACK, result
        assert result["outcome"] == "failed"
        error = " ".join(result["errors"])
        assert server.address in error and ("check" in error or "name a server" in error), result


def test_each_ends_in_time_and_nothing_is_done(make_cluster):
    """One that looks at the registry alone, one that looks at all, and one that acts, where the other server is well."""
    cluster = make_cluster()
    cluster.workflows(3)
    with cluster.nothing_changes(), at_once() as start:
        for kind in LIMITS:
            for mode in ("silent", "drip", "close"):
                if kind in ("zookeeper", "etcd"):
                    given = ("--registry", "{}", "--database", cluster.db.url)
                    start(assert_it_ends, kind, mode, "list-marks", "--registry", "{}")
                else:
                    given = ("--registry", cluster.registry.url, "--database", "{}")
                    start(assert_it_ends, kind, mode, "list-marks", "--registry", "{}")
                start(assert_it_ends, kind, mode, "failover-master", DEAD, *given)
                start(assert_it_ends, kind, mode, "status", *given)


def test_an_answer_of_etcd_that_does_not_end_does_not_fill_the_memory(cluster):
    assert_it_ends("etcd", "endless", "list-marks", "--registry", "{}", limit=1)


@pytest.mark.parametrize("answer", [b"[]", b'{"kvs": 7}', b'{"more": "yes"}', b'{"code": "x", "message": 3}', b"{" * 100_000,
                                    b'{"kvs": [1]}', b'{"kvs": [{"key": 8}]}', b'{"kvs": [{"key": "###"}]}', b"\0\xff", b"null"])
def test_what_is_no_answer_of_etcd(answer):
    beginning = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
    with Hostile("endless", beginning) as server:
        result = program.run("list-marks", "--registry", url("etcd", server.address), code=(1, 6))
        assert server.address in result["errors"][0] and result.seconds < SLACK, result


def test_a_zookeeper_whose_sessions_never_end():
    """Nothing but the session's end would end the wait for an answer."""
    for answers in (0, 1):  # the first request is part of connecting
        with EndlessZooKeeper(answers) as server:
            registry = url("zookeeper", server.address) + "?session-timeout=1s&connect-timeout=3s"
            result = program.run("list-marks", "--registry", registry, code=(1, 6))
            assert server.address in result["errors"][0], result
            assert ("answered nothing" in result["errors"][0]) == bool(answers), result
            assert result.seconds < 6 + SLACK, result
