"""A master whose event waits too long for a row, or is the victim of a deadlock, loses that event for good.

So a run holds rows only briefly, and in the masters' order, however slow registry and database are.
"""

import itertools
import random
import time

import pytest

from support.cluster import DEAD, Background, now_ms
from support.program import SLOWNESS
from support.proxy import Proxy
from support.registries import STAMPS

PATIENCE = 3 * SLOWNESS  # seconds that the master's database lets it wait for a row
LONGEST = 2.8 * SLOWNESS  # seconds that rows may be held: two, and what the sampling and a busy machine add


class BusyMaster(Background):
    """Updates rows of the workflows, takes commands, and counts what it lost and how long it waited."""

    def __init__(self, cluster, workflows, events):
        super().__init__()
        self.cluster, self.db = cluster, cluster.db.clone()
        if self.db.type == "postgresql":
            self.db.execute(f"SET lock_timeout = '{PATIENCE}s'")
        else:
            self.db.execute(f"SET SESSION innodb_lock_wait_timeout = {PATIENCE}")
        self.touched = random.Random(4).sample(workflows, events)
        self.lost, self.longest, self.consumed = [], 0.0, []

    def _work(self):
        touched = iter(self.touched)
        while not self._stop.wait(0.02):
            if not self.cluster.registry.get(f"{STAMPS}/{DEAD}"):
                continue  # no rows are held yet
            for workflow in itertools.islice(touched, 1):
                self._event(lambda: self._touch(workflow))
            self._event(self._consume)

    def _event(self, work):
        begun = time.monotonic()
        self.db.execute("BEGIN")
        try:
            work()
            self.db.execute("COMMIT")
        except Exception as error:  # each driver has its own
            self.lost.append(f"{type(error).__name__}: {error}")
            self.db.execute("ROLLBACK")
        self.longest = max(self.longest, time.monotonic() - begun)

    def _touch(self, workflow):
        self.db.execute("UPDATE t_ds_workflow_instance SET var_pool = ? WHERE id = ?", f'["{now_ms()}"]', workflow)
        self.cluster.task(workflow, state=7, db=self.db)

    def _consume(self):
        """Command, instance, tasks, as a master does."""
        found = self.db.rows("SELECT id, workflow_instance_id AS w FROM t_ds_command ORDER BY id DESC LIMIT 1")
        for row in found:
            if not self.db.execute("DELETE FROM t_ds_command WHERE id = ?", row["id"]):
                continue
            self.db.execute("UPDATE t_ds_workflow_instance SET state = 1 WHERE id = ? AND state = 18", row["w"])
            self.db.execute("UPDATE t_ds_task_instance SET flag = 0 WHERE workflow_instance_id = ?", row["w"])
            self.consumed.append(row["w"])


class Holding(Background):
    """Samples for how long transactions of ours have held rows of the cluster's own database."""

    def __init__(self, cluster):
        super().__init__()
        self.db, self.longest = cluster.db.clone(), 0.0

    # By what is seen of a transaction: MariaDB may show one with the beginning of an earlier one.
    def _work(self):
        sql = ("SELECT backend_xid::text AS id FROM pg_stat_activity WHERE application_name = 'dsfailover'"
               " AND datname = current_database() AND backend_xid IS NOT NULL" if self.db.type == "postgresql" else
               "SELECT trx_id AS id FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"
               " AND trx_mysql_thread_id IN (SELECT id FROM information_schema.processlist"
               " WHERE user = 'ds' AND db = database())")
        begun = {}
        while not self._stop.wait(0.05):
            now = time.monotonic()
            begun = {row["id"]: begun.get(row["id"], now) for row in self.db.rows(sql)}
            self.longest = max([self.longest, *(now - first for first in begun.values())])


@pytest.fixture(params=["postgresql", "mariadb"])
def cluster(request, make_cluster):
    return make_cluster(database=request.param)


def fail_over_beside_a_master(cluster, workflows, events, options):
    with BusyMaster(cluster, workflows, events) as master, Holding(cluster) as holding:
        result = cluster.run("failover-master", DEAD, code=(0, 3), options=options, timeout=240)
    assert not master.lost, f"{len(master.lost)} events lost, the first: {master.lost[0]}"
    waiting = cluster.commands_per_workflow()
    wrong = [w for w in workflows if waiting.get(w, 0) + master.consumed.count(w) != 1]
    assert not wrong, f"{len(wrong)} without exactly one command: {wrong[:5]}"
    assert holding.longest < LONGEST, f"rows were held for {holding.longest:.1f} s\n{result.stderr[-4000:]}"
    assert master.consumed and master.longest < PATIENCE
    return result


@pytest.mark.slow
def test_a_slow_registry(cluster, zookeeper):
    """Lock and absence are confirmed while the rows are held."""
    workflows = cluster.workflows(20_000)
    with Proxy("127.0.0.1", zookeeper.port) as proxy:
        proxy.delay(0.4)
        options = ["--registry", f"zookeeper://{proxy.address}{cluster.registry.namespace}",
                   "--database", cluster.db.url]
        fail_over_beside_a_master(cluster, workflows, 200, options)


def test_a_slow_database(make_cluster):
    """A millisecond a row: chunks must not begin too large either."""
    cluster = make_cluster(database="postgresql")
    cluster.db.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.state = 18 THEN PERFORM pg_sleep(0.001); END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER slow BEFORE UPDATE ON t_ds_workflow_instance FOR EACH ROW EXECUTE FUNCTION slow()""")
    fail_over_beside_a_master(cluster, cluster.workflows(6000), 100, None)
