"""Audit logs: what they say was changed, and one that breaks."""

import json
import os
import select


def changes(log):
    """The lines of the log but those that say who began a run, and how it ended."""
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] != "run"]


class BreakingLog:
    """A log that takes what a run writes at first, and breaks then."""

    def __init__(self, folder):
        self.path = folder / "audit.pipe"
        os.mkfifo(self.path)
        self.reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def break_behind(self, kind):
        """Breaks once a line of that kind is there: "run" is the first of all."""
        read = b""
        try:
            while f'"{kind}"'.encode() not in read:
                assert select.select([self.reader], [], [], 30)[0], f"no line of the kind {kind} was written"
                read += os.read(self.reader, 1 << 16)
        finally:
            os.close(self.reader)
