"""DolphinScheduler's database as another client sees it: Python's own sqlite3, psycopg2 and pymysql.

Statements are written with `?`. Times go in and come out as text, "YYYY-MM-DD HH:MM:SS.mmm".
"""

import contextlib
import datetime
import pathlib
import re
import sqlite3

SCHEMA = pathlib.Path(__file__).resolve().parent.parent / "schema"
RELEASES = ("3.3.0", "3.3.1")  # with and without the test_flag columns


def to_text(epoch_ms):
    """Epoch milliseconds as a UTC wall clock."""
    moment = datetime.datetime.utcfromtimestamp(epoch_ms // 1000)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{epoch_ms % 1000:03d}"


def to_epoch_ms(text):
    """A UTC wall clock as epoch milliseconds; None stays None."""
    if text is None:
        return None
    whole, _, fraction = text.replace("T", " ").partition(".")
    moment = datetime.datetime.strptime(whole, "%Y-%m-%d %H:%M:%S")
    seconds = int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())
    return seconds * 1000 + int((fraction + "000")[:3])


def schema_sql(dialect, release="3.3.0"):
    """The script that makes the tables of a release in an empty database."""
    script = (SCHEMA / ("postgresql.sql" if dialect == "postgresql" else "mysql.sql")).read_text()
    if release != "3.3.0":
        script += (SCHEMA / "without_test_flag.sql").read_text()
    return _for_sqlite(script) if dialect == "sqlite" else script


def _for_sqlite(script):
    for pattern, replacement in (
            (r"\b(big)?int\(\d+\) NOT NULL AUTO_INCREMENT PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
            (r"\)\s*ENGINE=[^;]*;", ");"),
            (r" ON UPDATE CURRENT_TIMESTAMP", ""),
            (r"\b(datetime|timestamp)\b", "TEXT"),
            (r"\b(tinyint|bigint|int)\(\d+\)", "INTEGER")):
        script = re.sub(pattern, replacement, script)
    return script


class Sql:
    """What the three have in common."""

    type = ""
    precision_ms = 1

    def __init__(self):
        self.connection = None
        self._clones = []

    def clone(self):
        """Another connection to the same database; closed with this one at the latest, so that a
        transaction which a failed test left open bars nobody."""
        other = self._another()
        self._clones.append(other)
        return other

    def close(self):
        for each in [*self._clones, self]:
            with contextlib.suppress(Exception):  # closed by the test, or its server is gone
                each.connection.close()

    def _another(self):
        raise NotImplementedError

    def rows(self, sql, *parameters):
        """The rows as dictionaries."""
        with contextlib.closing(self.connection.cursor()) as cursor:
            cursor.execute(self._placeholders(sql), parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, map(_plain, row))) for row in cursor.fetchall()]

    def row(self, sql, *parameters):
        found = self.rows(sql, *parameters)
        assert len(found) == 1, f"{len(found)} rows of {sql} {parameters}"
        return found[0]

    def value(self, sql, *parameters):
        return next(iter(self.row(sql, *parameters).values()))

    def execute(self, sql, *parameters):
        """Returns the number of rows hit."""
        with contextlib.closing(self.connection.cursor()) as cursor:
            cursor.execute(self._placeholders(sql), parameters)
            return cursor.rowcount

    def insert(self, table, **columns):
        """Inserts a row and returns its id."""
        return self.insert_many(table, [columns])[0]

    def insert_many(self, table, rows):
        """Inserts rows that all have the same columns; returns their ids."""
        ids = []
        for start in range(0, len(rows), 500):
            ids += self._insert(table, rows[start:start + 500])
        return ids

    @contextlib.contextmanager
    def transaction(self):
        """BEGIN ... COMMIT, or ROLLBACK when the block raises."""
        self.execute(self.begin)
        try:
            yield self
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    begin = "BEGIN"

    def columns(self, table):
        return list(self.rows(f"SELECT * FROM {table} LIMIT 1")[0])

    def stored(self, epoch_ms):
        """The epoch milliseconds that a column keeps of a time; MySQL rounds."""
        return (epoch_ms + self.precision_ms // 2) // self.precision_ms * self.precision_ms

    def _insert(self, table, rows):
        raise NotImplementedError

    def _placeholders(self, sql):
        return sql.replace("%", "%%").replace("?", "%s")

    def _values(self, table, rows):
        columns = list(rows[0])
        one = "(" + ", ".join("?" * len(columns)) + ")"
        return (f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(rows))}",
                [row[column] for row in rows for column in columns])


class Sqlite(Sql):
    type = "sqlite"
    begin = "BEGIN IMMEDIATE"
    password = None

    def __init__(self, path, release="3.3.0"):
        """Opens the file; makes it, with the tables of `release`, if it is not there."""
        super().__init__()
        self.path = str(path)
        new = not pathlib.Path(path).exists()
        self.connection = sqlite3.connect(self.path, timeout=30, isolation_level=None,
                                          check_same_thread=False)
        if new:
            self.connection.executescript(
                "PRAGMA journal_mode=WAL; BEGIN;" + schema_sql("sqlite", release) + "COMMIT;")

    def _another(self):
        return Sqlite(self.path)

    @property
    def url(self):
        return f"sqlite:{self.path}"

    def _placeholders(self, sql):
        return sql

    def _insert(self, table, rows):
        ids = []
        own = contextlib.nullcontext() if self.connection.in_transaction else self.transaction()
        with own, contextlib.closing(self.connection.cursor()) as cursor:
            for row in rows:
                cursor.execute(*self._values(table, [row]))
                ids.append(cursor.lastrowid)
        return ids


class ServerSql(Sql):
    """A database on one of support.servers."""

    def __init__(self, server, release="3.3.0", database=None):
        super().__init__()
        self.server = server
        self.type = server.type
        self.database = database or server.create_database(schema_sql(server.type, release))
        self.connection = server.connect(self.database)
        self.url = server.url(self.database)

    def _another(self):
        return type(self)(self.server, database=self.database)

    @property
    def password(self):
        from . import servers
        return servers.PASSWORD

    def drop(self):
        self.close()
        self.server.drop_database(self.database)


class Postgresql(ServerSql):
    def _insert(self, table, rows):
        sql, parameters = self._values(table, rows)
        return [row["id"] for row in self.rows(sql + " RETURNING id", *parameters)]


class Mysql(ServerSql):
    precision_ms = 1000

    def _insert(self, table, rows):
        sql, parameters = self._values(table, rows)
        return [row["id"] for row in self.rows(sql + " RETURNING id", *parameters)]


def on(server, release="3.3.0"):
    """A new database with DolphinScheduler's tables on `server`."""
    return (Postgresql if server.type == "postgresql" else Mysql)(server, release)


def _plain(value):
    if isinstance(value, datetime.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"
    return value
