"""A TCP proxy that fails on demand.

    with Proxy("127.0.0.1", server.port) as proxy:
        proxy.port                          # connect here
        proxy.cut()                         # resets every connection; new ones are let through
        proxy.refuse(True)                  # resets new ones too
        proxy.freeze(); proxy.thaw()        # connections stay open, nothing passes
        proxy.cut_after(b"COMMIT")          # the next request with the marker, in whatever case,
                                            # reaches the server; its answer does not come back:
                                            # the connection is cut
        proxy.cut_before(b"COMMIT")         # the request does not reach the server
        proxy.do_before(b"COMMIT", action)  # action() runs before that request is passed on
        proxy.do_before_each(b"COMMIT", action)  # the same before every such request
        proxy.cut_and_hold(b"COMMIT", until)     # cuts our side; the server gets the request, on the
                                                 # old connection, once until() has returned
        proxy.delay(0.2)                    # seconds that each packet to the server waits
"""

import select
import socket
import struct
import threading
import time

HOST = "127.0.0.1"
# The request that commits, which is not the only one with that word: "READ COMMITTED".
COMMIT = {"postgresql": b"commit\0", "mariadb": b"\3commit"}


class Proxy:
    def __init__(self, host, port):
        self._target = (host, port)
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.fired = threading.Event()  # set when cut_after or cut_before did its work
        self.connections = 0  # accepted so far
        self._pairs = set()
        self._lock = threading.Lock()
        self._closing = False
        self._refuse = False
        self._for_good = False
        self._delay = 0.0
        self._each = None  # (bytes, action)
        self._held_until = None
        self._marker = None  # (bytes, whether the server gets it or an action, matches to let pass)
        self._flowing = threading.Event()
        self._flowing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def close(self):
        self._closing = True
        self._flowing.set()
        self._listener.close()
        self.cut()

    def cut(self):
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                _reset(end)

    def refuse(self, on):
        self._refuse = on
        if on:
            self.cut()

    def freeze(self):
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    def delay(self, seconds):
        self._delay = seconds

    def cut_after(self, marker, skip=0, for_good=False):
        """Lets the request with `marker` through (after `skip` earlier ones), swallows its answer
        and cuts that connection; `for_good`: no new ones are let through from then on."""
        self.fired.clear()
        self._for_good = for_good
        self._marker = (marker, True, skip)

    def cut_before(self, marker, skip=0, for_good=False):
        """Cuts the connection instead of passing on the request with `marker`."""
        self.fired.clear()
        self._for_good = for_good
        self._marker = (marker, False, skip)

    def do_before(self, marker, action):
        """Runs `action` when the request with `marker` has come, and then lets it through."""
        self.fired.clear()
        self._marker = (marker, action, 0)

    def do_before_each(self, marker, action):
        """Runs `action` whenever a request with `marker` has come, and then lets it through."""
        self._each = (marker, action)

    def cut_and_hold(self, marker, until):
        """Cuts the connection of the request with `marker`, which reaches the server late."""
        self.fired.clear()
        self._held_until = until
        self._marker = (marker, "hold", 0)

    def _accept(self):
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuse:
                _reset(client)
                continue
            try:
                server = socket.create_connection(self._target, 5)
            except OSError:
                _reset(client)
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            with self._lock:
                self._pairs.add((client, server))
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client, server):
        tail = b""
        try:
            while True:
                readable, _, _ = select.select([client, server], [], [], 0.5)
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    self._flowing.wait()
                    if source is server:
                        client.sendall(data)
                        continue
                    if self._delay:
                        time.sleep(self._delay)
                    if self._each and self._each[0].lower() in (tail + data).lower():
                        self._each[1]()
                        tail = b""
                    verdict = self._matches(tail + data)
                    if verdict is None:
                        tail = (tail + data)[-256:]
                        server.sendall(data)
                        continue
                    tail = b""
                    if callable(verdict):
                        verdict()
                        self.fired.set()
                        verdict = "pass"
                    if verdict == "pass":
                        server.sendall(data)
                        continue
                    if verdict == "hold":
                        _reset(client)
                        self._held_until()
                        server.sendall(data)
                        select.select([server], [], [], 10)
                    if verdict == "after":
                        server.sendall(data)
                        # Its answer tells that the server has done it.
                        select.select([server], [], [], 10)
                    self._refuse = self._refuse or self._for_good
                    self.fired.set()
                    return
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._pairs.discard((client, server))
            _reset(client)
            _reset(server)

    def _matches(self, data):
        with self._lock:
            if self._marker is None or self._marker[0].lower() not in data.lower():
                return None
            marker, reaches_server, skip = self._marker
            if skip:
                self._marker = (marker, reaches_server, skip - 1)
                return "pass"
            self._marker = None
            if callable(reaches_server) or reaches_server == "hold":
                return reaches_server
            return "after" if reaches_server else "before"


def _reset(end):
    """Closes with a reset, as a broken network or a killed server does."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    try:
        end.close()
    except OSError:
        pass
