"""Stand-ins for masters and workers: they speak DolphinScheduler's RPC on a loopback address, and answer
the two questions there are. Anything else that reaches them is kept as a fault.

Made from what running servers said; shares nothing with dsfailover's code."""

import base64
import contextlib
import json
import struct
import threading

from .listener import Listener

MASTER = "org.apache.dolphinscheduler.extract.master."
WORKER = "org.apache.dolphinscheduler.extract.worker."
WAKE_TASK = (f"public abstract {MASTER}transportor.TaskGroupSlotAcquireSuccessNotifyResponse "
             f"{MASTER}ITaskInstanceController.notifyTaskGroupSlotAcquireSuccess("
             f"{MASTER}transportor.TaskGroupSlotAcquireSuccessNotifyRequest)")
SAVEPOINT = (f"public abstract {WORKER}transportor.TaskInstanceTriggerSavepointResponse "
             f"{WORKER}IStreamingTaskInstanceOperator.triggerSavepoint("
             f"{WORKER}transportor.TaskInstanceTriggerSavepointRequest)")


def frame(header, body):
    return b"\xbe\x00" + b"".join(struct.pack(">i", len(text)) + text for text in (header, body))


class StandIn(Listener):
    """A server on `host`. `holds`: ids of workflows (a worker: of tasks) that it has.

    `manner`, what is wrong with it:
      None, "silent", "closes", "garbage", "huge_header", "huge_body", "flood" (as much as is
      taken), "endless" (drop by drop), "backwards" (answers
      eight at a time, the last first), "unknown_method", "full", "odd" (success where none is possible),
      "stranger" (answers what was not asked), ("slow", seconds before each answer),
      ("stops", answers before it falls silent)
    """

    def __init__(self, host="127.0.0.1", port=0, holds=(), manner=None, worker=False):
        self.holds, self.worker = set(holds), worker
        self.manner, self.number = manner if isinstance(manner, tuple) else (manner, None)
        self.faults, self.asked = [], []
        self.received = bytearray()  # every byte, of all connections
        self._answered = 0
        super().__init__(host, port)

    def _talk(self, connection):
        if self.manner == "closes":
            connection.recv(1)
            connection.close()
            return
        bytes_ = connection.makefile("rb")
        waiting = []
        while True:
            header, body = self._read(bytes_)
            answer = self._answer(header, body)
            if self.manner == "silent":
                continue
            if self.manner == "stops" and self._answered >= self.number:
                continue
            self._answered += 1
            if self.manner == "slow":
                threading.Event().wait(self.number)
            if self.manner == "backwards":
                waiting.append(answer)
                if len(waiting) == 8:
                    connection.sendall(b"".join(reversed(waiting)))
                    waiting = []
                continue
            connection.sendall(answer)
            while self.manner == "flood":
                connection.sendall(b"x" * 65536)
            while self.manner == "endless":
                connection.sendall(b"x" * 1000)
                threading.Event().wait(0.05)

    def _take(self, file, count):
        taken = file.read(count)
        self.received += taken
        if len(taken) < count:
            raise EOFError
        return taken

    def _read(self, file):
        if self._take(file, 2) != b"\xbe\x00":
            self._fault("no frame")
        header = self._take(file, struct.unpack(">i", self._take(file, 4))[0])
        body = self._take(file, struct.unpack(">i", self._take(file, 4))[0])
        return header, body

    def _fault(self, what):
        self.faults.append(what)
        raise EOFError

    def _asked_id(self, header, body):
        """The id asked about, if these are the bytes of the one question that there is for it."""
        method, kind = ((SAVEPOINT, WORKER + "transportor.TaskInstanceTriggerSavepointRequest") if self.worker
                        else (WAKE_TASK, MASTER + "transportor.TaskGroupSlotAcquireSuccessNotifyRequest"))
        said = json.loads(header)
        if list(said) != ["methodIdentifier", "opaque"] or said["methodIdentifier"] != method:
            self._fault(f"header {header}")
        request = json.loads(body)
        if list(request) != ["args", "argsTypes"] or request["argsTypes"] != [kind] or len(request["args"]) != 1:
            self._fault(f"body {body}")
        argument = json.loads(base64.b64decode(request["args"][0], validate=True))
        wanted = ({"taskInstanceId": argument.get("taskInstanceId")} if self.worker else
                  {"workflowInstanceId": argument.get("workflowInstanceId"), "taskInstanceId": -1})
        if argument != wanted or not isinstance(next(iter(argument.values())), int):
            self._fault(f"argument {argument}")
        return next(iter(argument.values()))

    def _answer(self, header, body):
        asked = self._asked_id(header, body)
        self.asked.append(asked)
        if self.manner == "garbage":
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        if self.manner in ("huge_header", "flood"):
            return b"\xbe\x00\x7f\xff\xff\xff" + header
        if self.manner == "huge_body":
            return frame(header, b"")[:-4] + b"\x7f\xff\xff\xff{"
        if self.manner == "endless":
            return b"\xbe\x00" + struct.pack(">i", 1 << 20)
        if self.manner == "stranger":
            return frame(json.dumps({**json.loads(header), "opaque": 12345}).encode(), b"{}")
        if self.manner in ("unknown_method", "full"):
            what = ("Cannot find the ServerMethodInvoker of " + json.loads(header)["methodIdentifier"]
                    if self.manner == "unknown_method" else "thread pool is full")
            return frame(header, json.dumps({"success": False, "message": what, "body": None,
                                             "bodyType": None}).encode())
        if self.worker:
            message = "The taskInstance is not StreamTask" if asked in self.holds else "Cannot find TaskExecutionContext"
        else:
            message = ("Cannot find TaskExecutionRunnable: -1" if asked in self.holds
                       else f"cannot find WorkflowExecuteRunnable: {asked}")
        inside = json.dumps({"success": self.manner == "odd", "message": message}, separators=(",", ":"))
        return frame(header, json.dumps({
            "success": True, "message": None, "body": base64.b64encode(inside.encode()).decode(),
            "bodyType": "org.apache.dolphinscheduler"}).encode())


@contextlib.contextmanager
def stand_ins():
    """A function that makes them; in the end they are closed, and were asked nothing but the question."""
    made = []

    def make(**options):
        made.append(StandIn(**options))
        return made[-1]
    yield make
    for each in made:
        each.close()
        assert each.faults == []
