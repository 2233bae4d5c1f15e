"""A proxy that speaks enough of ZooKeeper's protocol to refuse single requests.

    with SyncRefusingProxy(server.port) as proxy:
        proxy.address       # connect here: each sync is answered with `code`
"""

import socket
import struct
import threading

HOST = "127.0.0.1"
SYNC = 9


class SyncRefusingProxy:
    def __init__(self, port, code=-6):
        self._target, self._code = (HOST, port), code
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.refused = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target, 5)
            syncs = set()
            for ends in ((client, server, self._note, syncs), (server, client, self._refuse, syncs)):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source, target, change, syncs):
        first = True  # the connection itself, which has no header
        try:
            while frame := _frame(source):
                if not first:
                    frame = change(frame, syncs)
                first = False
                target.sendall(struct.pack(">i", len(frame)) + frame)
        except OSError:
            pass
        for end in (source, target):
            end.close()

    @staticmethod
    def _note(request, syncs):
        number, kind = struct.unpack_from(">ii", request)
        if kind == SYNC:
            syncs.add(number)
        return request

    def _refuse(self, reply, syncs):
        if struct.unpack_from(">i", reply)[0] not in syncs:
            return reply
        self.refused += 1
        return reply[:12] + struct.pack(">i", self._code) + reply[16:]


def _frame(source):
    length = _exactly(source, 4)
    return length and _exactly(source, struct.unpack(">i", length)[0])


def _exactly(source, count):
    data = b""
    while len(data) < count:
        part = source.recv(count - len(data))
        if not part:
            return b""
        data += part
    return data
