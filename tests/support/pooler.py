"""PgBouncer in front of a PostgreSQL server.

    with PgBouncer(postgresql, server_round_robin=1) as pooler:     # pool_mode=transaction
        pooler.url("ds_1")              # postgresql://ds@127.0.0.1:PORT/ds_1, for dsfailover
        pooler.connect("ds_1")          # psycopg2, another client of the same pool
"""

import os

from .servers import HOST, PASSWORD, USER, Server


class PgBouncer(Server):
    name = "pgbouncer"
    run_as = ("postgres", "nobody")  # it refuses to be root

    def __init__(self, server, **settings):
        """`settings` are lines of pgbouncer.ini; the others are PgBouncer's own defaults."""
        super().__init__()
        self._server = server
        self._settings = {"pool_mode": "transaction", **settings}

    def prepare(self):
        self._write("users", f'"{USER}" "{PASSWORD}"\n')
        lines = {"listen_addr": HOST, "listen_port": self.port, "unix_socket_dir": "",
                 "auth_type": "scram-sha-256", "auth_file": f"{self.folder}/users",
                 **self._settings}
        self._write("pgbouncer.ini", f"[databases]\n* = host={HOST} port={self._server.port}\n"
                    "[pgbouncer]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()))

    def command(self):
        return ["/usr/sbin/pgbouncer", f"{self.folder}/pgbouncer.ini"]

    def answers(self):
        self.connect("postgres").close()
        return True

    def connect(self, database):
        """A client of the pool, autocommit."""
        import psycopg2
        connection = psycopg2.connect(host=HOST, port=self.port, user=USER, password=PASSWORD,
                                      dbname=database, connect_timeout=5)
        connection.autocommit = True
        return connection

    def url(self, database, schema=None):
        more = f"?currentSchema={schema}" if schema else ""
        return f"postgresql://{USER}@{self.address}/{database}{more}"

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
