"""Asking masters and workers over sockets, against stand-ins. DSFAILOVER_ASK_DRIVER names the program of
ask_driver.cc."""

import base64
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support.stand_ins import frame, stand_ins  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


def driver(question="holds_workflow", timeout=3000, where="loopback"):
    return subprocess.Popen([os.environ["DSFAILOVER_ASK_DRIVER"], question, str(timeout), where],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def ask(inquiries, **how):
    """What each server said; `inquiries`: pairs of an address and ids."""
    process = driver(**how)
    out, _ = process.communicate(json.dumps([{"address": a, "ids": list(i)} for a, i in inquiries]).encode(), 60)
    assert process.returncode == 0
    return json.loads(out)


@pytest.fixture
def stand_in():
    with stand_ins() as make:
        yield make


def test_held_and_not_held(stand_in):
    server = stand_in(host="127.0.1.2", holds=[7, 9])
    said, = ask([(server.address, [7, 8, 9])])
    assert said == {"answers": ["yes", "no", "yes"], "peer": server.address, "problem": ""}
    assert server.connections == 1


def test_tasks_of_workers(stand_in):
    server = stand_in(worker=True, holds=[70])
    said, = ask([(server.address, [70, 71])], question="task_lives")
    assert said["answers"] == ["yes", "no"]


@pytest.mark.parametrize("question", ["holds_workflow", "task_lives"])
def test_every_byte_that_leaves_is_a_question(stand_in, question):
    server = stand_in(worker=question == "task_lives")
    ask([(server.address, range(1, 200))], question=question)
    recorded = next(each for each in json.loads((DATA / "rpc_exchanges.json").read_text())
                    if each["question"] == question and each["id"] == 99999)

    def argument(number):
        inside = ('{"taskInstanceId":%d}' if question == "task_lives"
                  else '{"workflowInstanceId":%d,"taskInstanceId":-1}') % number
        return base64.b64encode(inside.encode())
    text = bytes.fromhex(recorded["asked"])
    header, body = text[6:6 + int.from_bytes(text[2:6], "big")], text[10 + int.from_bytes(text[2:6], "big"):]
    wanted = b"".join(frame(header.replace(b'"opaque":7', b'"opaque":%d' % number),
                            body.replace(argument(99999), argument(number))) for number in range(1, 200))
    assert server.received == wanted


@pytest.mark.parametrize("manner, problem", [
    ("closes", "closed the connection"), ("garbage", "not the RPC of DolphinScheduler"),
    ("huge_header", "a header of 2147483647 bytes"), ("huge_body", "a body of 2147483647 bytes"),
    ("unknown_method", "Cannot find the ServerMethodInvoker"), ("full", "thread pool is full"),
    ("odd", "another answer"), ("stranger", "what was not asked")])
def test_one_that_does_not_answer_does_not_disturb_the_others(stand_in, manner, problem):
    bad, good = stand_in(host="127.0.1.2", manner=manner), stand_in(host="127.0.1.3", holds=[8])
    begun = time.monotonic()
    first, second = ask([(bad.address, [7, 8]), (good.address, [7, 8])])
    assert first["answers"] == ["unanswered"] * 2 and second["answers"] == ["no", "yes"]
    assert first["problem"].startswith(bad.address + ": ") and problem in first["problem"]
    assert second["problem"] == "" and time.monotonic() - begun < 2


@pytest.mark.parametrize("manner", ["silent", "endless", ("slow", 60)])
def test_the_time_limit_is_one_for_all(stand_in, manner):
    bad = [stand_in(host=f"127.0.1.{i}", manner=manner) for i in range(2, 6)]
    good = stand_in(host="127.0.1.7", holds=[8])
    begun = time.monotonic()
    *silent, answered = ask([(each.address, [7, 8]) for each in (*bad, good)], timeout=700)
    assert 0.6 < time.monotonic() - begun < 2
    assert answered["answers"] == ["no", "yes"]
    for each, said in zip(bad, silent):
        assert said["answers"] == ["unanswered"] * 2 and said["peer"] == each.address
        assert said["problem"] == f"{each.address}: 2 of 2 questions not answered within 700ms"


def test_partial_answers_are_kept(stand_in):
    server = stand_in(manner=("stops", 3), holds=[2])
    said, = ask([(server.address, range(1, 11))], timeout=500)
    assert said["answers"] == ["no", "yes", "no"] + ["unanswered"] * 7
    assert "7 of 10 questions not answered" in said["problem"]


def test_answers_come_in_any_order(stand_in):
    server = stand_in(manner="backwards", holds=range(3, 800, 3))
    said, = ask([(server.address, range(1, 801))])
    assert said["answers"] == ["yes" if i % 3 == 0 else "no" for i in range(1, 801)]
    assert said["problem"] == ""


def test_no_more_than_a_few_questions_are_under_way(stand_in):
    server = stand_in(manner="silent")
    ask([(server.address, range(1, 1000))], timeout=500)
    assert server.asked == list(range(1, 65))


def test_a_server_that_does_not_understand_is_asked_no_more(stand_in):
    server = stand_in(manner="unknown_method")
    said, = ask([(server.address, range(1, 1000))])
    assert len(server.asked) == 64 and said["answers"] == ["unanswered"] * 999


def test_ten_thousand_questions_to_three_masters(stand_in):
    masters = [stand_in(host=f"127.0.1.{i}", holds=range(i, 10001, 10)) for i in (1, 2, 3)]
    said = ask([(each.address, range(1, 10001)) for each in masters], timeout=30000)
    for i, each in zip((1, 2, 3), said):
        assert each["problem"] == ""
        assert [n for n, answer in enumerate(each["answers"], 1) if answer == "yes"] == list(range(i, 10001, 10))
        assert each["answers"].count("no") == 9000


def memory_of_asking(server):
    """KiB at most."""
    process = driver(timeout=1500)
    process.stdin.write(json.dumps([{"address": server.address, "ids": [7]}]).encode())
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    return usage.ru_maxrss


def test_a_flood_does_not_fill_the_memory(stand_in):
    flood = stand_in(manner="flood")
    # The sanitizers need memory of their own.
    assert memory_of_asking(flood) < memory_of_asking(stand_in(holds=[7])) + 50_000


def test_nobody_listens(stand_in):
    server = stand_in()
    server.close()
    said, = ask([(server.address, [7])])
    assert said == {"answers": ["unanswered"], "peer": "",
                    "problem": f"{server.address}: no connection: Connection refused"}


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
@pytest.mark.parametrize("written", ["::1", "0:0:0:0:0:0:0:1", "[::1]"])
def test_ipv6_has_its_port_behind_the_last_colon(stand_in, written):
    server = stand_in(host="::1", holds=[7])
    said, = ask([(f"{written}:{server.port}", [7])])
    assert said["answers"] == ["yes"] and said["peer"] == f"[::1]:{server.port}"


def test_names_are_looked_up(stand_in):
    server = stand_in(holds=[7])
    known, unknown = ask([(f"localhost:{server.port}", [7]), ("no-such-host.invalid:5678", [7])])
    assert known["answers"] == ["yes"] and known["peer"] == server.address
    assert unknown["answers"] == ["unanswered"] and unknown["peer"] == ""
    assert unknown["problem"].startswith("no-such-host.invalid:5678: no connection")


@pytest.mark.parametrize("host", ["0", "::", "0:0:0:0:0:0:0:0", "::ffff:0:0"])
def test_where_only_loopback_is_asked_nothing_else_is_contacted(stand_in, host):
    """Addresses that stand for this machine, but are not loopback addresses."""
    server = stand_in(host="127.0.0.1" if host in ("0", "::ffff:0:0") else "::1", holds=[7])
    address = f"{host}:{server.port}"
    said, = ask([(address, [7])])
    assert said["answers"] == ["unanswered"] and "not a loopback address" in said["problem"]
    assert server.connections == 0
    said, = ask([(address, [7])], where="everywhere")
    assert said["answers"] == ["yes"]


@pytest.mark.parametrize("address", ["", "nothing", "host:", ":5678", "host:0", "host:99999", "host:12x"])
def test_what_is_no_address_is_not_asked(address):
    said, = ask([(address, [7])], where="everywhere")
    assert said["answers"] == ["unanswered"] and "not HOST:PORT" in said["problem"]


def test_where_nothing_is_asked_nobody_is_contacted(stand_in):
    server = stand_in()
    assert ask([(server.address, [])]) == [{"answers": [], "peer": "", "problem": ""}]
    assert ask([]) == [] and server.connections == 0


def test_it_can_be_interrupted(stand_in):
    server = stand_in(manner="silent")
    process = driver(timeout=60000)
    process.stdin.write(json.dumps([{"address": server.address, "ids": [7]}]).encode())
    process.stdin.close()
    while not server.asked:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130
