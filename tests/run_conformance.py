#!/usr/bin/python3
"""Starts every server that the conformance tests need and runs them: run_conformance.py BINARY..."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.servers import Etcd, MariaDB, PostgreSQL, ZooKeeper  # noqa: E402


def main(command):
    if not command:
        sys.exit(__doc__)
    with contextlib.ExitStack() as stack:
        environment = dict(os.environ)
        environment["DSFAILOVER_TEST_ZOOKEEPER"] = stack.enter_context(ZooKeeper()).address
        environment["DSFAILOVER_TEST_ETCD"] = stack.enter_context(Etcd()).address
        for server in (stack.enter_context(PostgreSQL()), stack.enter_context(MariaDB())):
            environment[f"DSFAILOVER_TEST_{server.type.upper()}"] = server.conformance(
                server.create_database())
        environment["DSFAILOVER_TEST_SQLITE"] = stack.enter_context(tempfile.TemporaryDirectory())
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
