"""What the program connects to in the tests: connection_watch.cc, preloaded, writes it down."""

import os
import tempfile


class ConnectionWatch:
    """Of all runs of this process. Not under sanitizers, which want to be loaded first."""

    def __init__(self):
        self._library = os.environ.get("DSFAILOVER_CONNECTION_WATCH")
        self._file = tempfile.NamedTemporaryFile(prefix="connections-") if self._library else None

    @property
    def watches(self):
        return self._library is not None

    def environment(self):
        return {"LD_PRELOAD": self._library, "CONNECTION_WATCH": self._file.name} if self._library else {}

    def take(self):
        """The connections since it was last asked: "127.0.0.1 2181", and "refused ADDRESS PORT"."""
        if not self._library:
            return []
        return self._file.read().decode().splitlines()


connections = ConnectionWatch()
