"""Audit logs: what they say was changed, and one that breaks."""

import json
import os
import select


def changes(log):
    """The lines of the log but those that say who began a run, and how it ended."""
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] != "run"]


class BreakingLog:
    """A log that takes the first line of a run, and breaks behind it."""

    def __init__(self, folder):
        self.path = folder / "audit.pipe"
        os.mkfifo(self.path)
        self.reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def break_behind_the_first_line(self):
        try:
            assert select.select([self.reader], [], [], 30)[0], "nothing was written"
            assert b'"began"' in os.read(self.reader, 1 << 16)
        finally:
            os.close(self.reader)
