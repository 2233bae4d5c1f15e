"""Runs of the program with a terminal as stdin, stdout and stderr."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from support import program

CLEAR = "\r\x1b[K"
LINE_WRITTEN_OVER = re.compile(r"\r\x1b\[K[^\r\n]*(?=\r\x1b\[K)")
COLOUR = re.compile(r"\x1b\[\d+m")


class Screen:
    """What a run showed, and how it ended."""

    def __init__(self, code, shown):
        self.code = code
        self.shown = shown.replace("\r\n", "\n")
        self.progress = [line[4:] for line in LINE_WRITTEN_OVER.findall(self.shown) if len(line) > 4]
        self.text = LINE_WRITTEN_OVER.sub("", self.shown).replace(CLEAR, "")  # what is left to read
        self.plain = COLOUR.sub("", self.text)

    def lines(self):
        return self.plain.splitlines()


def run(*arguments, width=100, answer=None, environment=None, timeout=60):
    """Runs the program; `answer` is typed when it asks. Without our own variables unless they are given."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    without = ("DSFAILOVER_", "NO_COLOR", "COLUMNS")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(without)}
    process = subprocess.Popen([program.binary(), *map(str, arguments)], stdin=its, stdout=its, stderr=its,
                               env={**variables, "TERM": "xterm", "DSFAILOVER_ASK": "none", **(environment or {})},
                               start_new_session=True)
    os.close(its)
    shown, deadline = b"", time.monotonic() + timeout
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the end of a terminal
                break
            if not piece:
                break
            shown += piece
            if answer is not None and b"[y/N]" in shown:
                os.write(ours, f"{answer}\n".encode())
                answer = None
        code = process.wait(max(1, deadline - time.monotonic()))
    finally:
        process.kill()
        os.close(ours)
    return Screen(code, shown.decode(errors="replace"))
