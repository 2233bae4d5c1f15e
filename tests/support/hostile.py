"""Servers that accept connections and are of no use.

    with Hostile("drip", BEGINNINGS["etcd"]) as server:
        server.address              # 127.0.0.1:PORT
"""

import struct
import threading

from .listener import Listener
from .servers import HOST

# How an answer of each kind of server may begin, so that its client goes on reading.
BEGINNINGS = {
    "zookeeper": struct.pack(">i", 0xFFFF),
    "etcd": b"HTTP/1.1 200 OK\r\n\r\n{",
    "postgresql": b"NE" + struct.pack(">i", 20_000) + b"SFATAL",
    "mysql": b"\x5a\x00\x00\x00\x0a5.5.5-10.11.0-MariaDB",
}


class Hostile(Listener):
    """`mode`: "silent" (takes what comes and says nothing), "drip" (`beginning` and then more, a byte
    a second), "endless" (`beginning` and then as much as is taken), "close" (at once)."""

    def __init__(self, mode, beginning=b""):
        self._manner = {"silent": self._listen, "drip": self._drip, "endless": self._pour,
                        "close": lambda connection: connection.close()}[mode]
        self._beginning = beginning
        self._ended = threading.Event()
        super().__init__(HOST)

    def close(self):
        self._ended.set()
        super().close()

    def _talk(self, connection):
        self._manner(connection)

    def _listen(self, connection):
        while connection.recv(65536):
            pass

    def _drip(self, connection):
        number = 0
        while not self._ended.wait(1):
            connection.sendall(self._beginning[number:number + 1] or b" ")
            number += 1

    def _pour(self, connection):
        connection.recv(1)
        connection.sendall(self._beginning)
        while not self._ended.is_set():
            connection.sendall(b" " * 65536)


class EndlessZooKeeper(Listener):
    """Grants sessions that live for a day without a word, answers the first `answers` requests (there is no such
    node), and then nothing."""

    def __init__(self, answers):
        self._answers = answers
        super().__init__(HOST)

    def _talk(self, connection):
        asked = connection.makefile("rb")

        def request():
            length = asked.read(4)
            if len(length) < 4:
                raise EOFError
            return asked.read(struct.unpack(">i", length)[0])

        def answer(body):
            connection.sendall(struct.pack(">i", len(body)) + body)

        request()
        answer(struct.pack(">iiqi16s?", 0, 86_400_000, 7, 16, b"", False))
        for _ in range(self._answers):
            answer(struct.pack(">iqi", struct.unpack(">i", request()[:4])[0], 1, -101))
        while request():
            pass


class AskingMySql(Listener):
    """Answers a login by asking for the password as it is (mysql_clear_password); keeps what comes in `received`."""

    def __init__(self):
        self.received = b""
        super().__init__(HOST)

    def _talk(self, connection):
        capabilities = 0x1 | 0x8 | 0x200 | 0x8000 | 0x80000
        salt = b"0123456789abcdefghij"
        greeting = (b"\x0a8.0.36\0" + struct.pack("<I", 7) + salt[:8] + b"\0" + struct.pack("<H", capabilities & 0xFFFF)
                    + b"\x2d" + struct.pack("<HHB", 2, capabilities >> 16, 21) + b"\0" * 10 + salt[8:] + b"\0"
                    + b"mysql_native_password\0")
        connection.sendall(struct.pack("<I", len(greeting)) + greeting)
        self.received += connection.recv(65536)
        switch = b"\xfemysql_clear_password\0"
        connection.sendall(struct.pack("<I", len(switch) | 2 << 24) + switch)
        while more := connection.recv(65536):
            self.received += more
