"""Random failovers on real servers for minutes or hours; run by scripts/soak.

A round is a cluster of its own on one registry and one database: dead masters with workflows, a living
one whose workflows nobody may touch, and mostly one that takes commands. On it run up to four commands
of dsfailover at once, through proxies that cut, freeze and slow the connections; some are killed, some
are sent SIGINT; registry or database may be killed and started again. Then a last run without faults,
and a checker that asks kazoo, etcdctl's HTTP interface, psycopg2 and PyMySQL what came of it.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import audit, databases, program, registries, servers  # noqa: E402
from support.cluster import ALIVE, Cluster, SimulatedMaster, ago  # noqa: E402
from support.proxy import Proxy  # noqa: E402

DEAD = [f"127.0.1.{last}:5678" for last in (11, 12, 13)]
RELEASES = ("3.3.0", "3.3.1")
EXIT_CODES = {0, 1, 3, 4, 5, 6, 130}
PURGED_MS = 15_000  # how long the registry keeps what a killed run held


class Violation(Exception):
    pass


class Servers:
    """The four servers, each with its proxy, for the whole soak."""

    def __init__(self, stack):
        self.all = {kind.name: stack.enter_context(kind())
                    for kind in (servers.ZooKeeper, servers.Etcd, servers.PostgreSQL, servers.MariaDB)}
        self.proxies = {name: stack.enter_context(Proxy("127.0.0.1", server.port))
                        for name, server in self.all.items()}

    def behind_proxy(self, name, url):
        return url.replace(f":{self.all[name].port}", f":{self.proxies[name].port}")


class Round:
    def __init__(self, number, seed, all_servers, counts, folder):
        self.random = random.Random(seed)
        self.seed, self.servers, self.counts, self.folder = seed, all_servers, counts, pathlib.Path(folder)
        self.database_name = self.random.choice(("postgresql", "mariadb"))
        self.registry_name = self.random.choice(("zookeeper", "etcd", "jdbc"))
        self.release = self.random.choice(RELEASES)
        self.killed = False
        self.history = []
        self.number = number

    def note(self, what):
        self.history.append(f"{time.monotonic() - self.begun:7.3f}  {what}")

    # -- the cluster

    def fill(self):
        db = databases.on(self.servers.all[self.database_name], self.release)
        registry = (registries.Jdbc(db) if self.registry_name == "jdbc" else
                    {"zookeeper": registries.ZooKeeper, "etcd": registries.Etcd}[self.registry_name](
                        self.servers.all[self.registry_name]))
        Cluster.alive_status = self.random.choice(("NORMAL", "BUSY"))
        self.cluster = Cluster(registry, db)
        self.dead = DEAD[:self.random.randint(1, 3)]
        self.left = {address: self.cluster.workflows(self.random.choice((1, 5, 40, 150)), host=address,
                                                     state=self.random.choice((1, 1, 2, 4)),
                                                     start=ago(self.random.randint(2, 90) * 60_000))
                     for address in self.dead}
        self.stuck = self.cluster.workflows(self.random.choice((0, 3, 20)), host=self.dead[0], state=18)
        self.living = self.cluster.workflows(10, host=ALIVE, start=ago(50_000))
        # A mark of long ago for clean-marks.
        registry.mark(f"{self.dead[-1]}-{ago(40 * 86_400_000)}-77", ago(30 * 86_400_000))
        self.rows_of_living = self.rows(self.living)

    def rows(self, ids):
        instances = self.cluster.instances()
        return {each: instances[each] for each in ids}

    def options(self, faults):
        registry, database = self.cluster.registry.url, self.cluster.db.url
        if faults:
            database = self.servers.behind_proxy(self.database_name, database)
            if self.registry_name != "jdbc":
                registry = self.servers.behind_proxy(self.registry_name, registry)
        return ["--registry", registry, "--database", database]

    # -- what happens

    def a_command(self):
        choice = self.random.random()
        if choice < 0.45:
            words = ["failover-master", self.random.choice(self.dead)]
        elif choice < 0.65:
            words = ["global"]
        elif choice < 0.8 and self.stuck:
            words = ["requeue"]
        elif choice < 0.88:
            words = ["clean-marks"]
        else:
            words = [self.random.choice(("status", "list-marks"))]
        if words[0] in ("failover-master", "global"):
            words += ["--grace", self.random.choice(("0s", "0s", "300ms"))]
            words += self.random.choice(([], [], ["--limit", "7"], ["--lock-timeout", "5s"]))
        return words

    def start(self, words, faults=True):
        log = self.folder / f"{self.number}-{self.counts['runs']}.jsonl"
        self.counts["runs"] += 1
        keeps_log = words[0] not in ("status", "list-marks")
        run = self.cluster.start(*words, *(["--audit-log", log] if keeps_log else []), options=self.options(faults))
        run.words, run.was_killed, run.signals, run.audit = words, False, 0, log if keeps_log else None
        self.note(" ".join(words))
        return run

    def disturb(self, runs):
        """Faults, as long as a run goes on; at most some seconds."""
        end = time.monotonic() + self.random.uniform(0.05, 4)
        while time.monotonic() < end and any(run.running() for run in runs):
            time.sleep(self.random.choice((0.002, 0.01, 0.05, 0.2)))
            name = self.random.choice((self.database_name, self.registry_name))
            proxy = self.servers.proxies.get(name)
            what = self.random.random()
            if what < 0.2 and proxy:
                self.note(f"{name}: connections cut")
                self.counts["cuts"] += 1
                proxy.cut()
            elif what < 0.3 and proxy:
                self.note(f"{name}: frozen")
                self.counts["freezes"] += 1
                proxy.freeze()
                time.sleep(self.random.uniform(0.05, 1))
                proxy.thaw()
            elif what < 0.4 and proxy:
                self.counts["slowed"] += 1
                proxy.delay(self.random.uniform(0, 0.02))
            elif what < 0.62:
                self.send_signal(self.random.choice(runs), signal.SIGKILL if what < 0.55 else signal.SIGINT)
        for name in (self.database_name, self.registry_name):
            if name in self.servers.proxies:
                self.servers.proxies[name].delay(0)

    def send_signal(self, run, number):
        if not run.running():
            return
        self.note(f"{number.name} {' '.join(run.words)}")
        self.counts[number.name] += 1
        if number == signal.SIGKILL:
            run.kill()
            run.was_killed = self.killed = True
        else:
            run.interrupt()
            run.signals += 1

    def restart_a_server(self):
        name = self.random.choice([each for each in (self.database_name, self.registry_name) if each != "jdbc"])
        self.note(f"{name} killed and started again")
        self.counts["restarts"] += 1
        server = self.servers.all[name]
        server.kill()
        server.start()
        server.wait_ready()
        if name == self.database_name:
            self.cluster.db.connection = server.connect(self.cluster.db.database)

    def run(self):
        self.begun = time.monotonic()
        self.fill()
        restarts = self.random.random() < 0.1
        takes = not restarts and self.random.random() < 0.7
        master = SimulatedMaster(self.cluster, release=self.release, dispatches=True)
        try:
            with master if takes else contextlib.nullcontext():
                runs = []
                for _ in range(self.random.randint(1, 4)):
                    runs.append(self.start(self.a_command()))
                    time.sleep(self.random.choice((0, 0.01, 0.1, 0.5)))
                disturbing = threading.Thread(target=self.disturb, args=(runs,))
                disturbing.start()
                if restarts:
                    self.restart_a_server()
                disturbing.join()
                self.results = [(run, self.end_of(run)) for run in runs]
                if self.killed:
                    time.sleep(PURGED_MS / 1000)
                for words in (["global"], ["requeue"]):
                    run = self.start(words, faults=False)
                    self.results.append((run, run.finish(timeout=240)))
                self.check_reports()
            self.check(master)
        finally:
            with contextlib.suppress(Exception):
                self.cluster.close()

    def end_of(self, run):
        """The result; none of a run that was killed, which a second Ctrl-C does, too."""
        if run.was_killed:
            return None
        result = run.finish(timeout=240)
        if result.code == -signal.SIGINT and run.signals > 1:
            self.killed = run.was_killed = True
            return None
        return result

    # -- what must hold

    def check_reports(self):
        self.reported = collections.Counter()
        self.doubted = set()
        for run, result in self.results:
            if result is None:
                continue
            if result.code not in EXIT_CODES:
                raise Violation(f"{' '.join(run.words)} ended with {result.code}: {result!r}")
            done = collections.Counter()
            report = json.loads(result.stdout)
            # Of requeue at the top, else of each master and of what has none.
            sections = [report, *(report.get("masters") or []), report.get("others"), report.get("hostless")]
            for section in sections:
                for item in ((section or {}).get("workflows") or {}).get("items", []):
                    if item["outcome"] in ("failed_over", "requeued"):
                        done[item["id"]] += 1
                    elif item["outcome"] in ("skipped", "left", "unknown"):
                        self.doubted.add(item["id"])
            self.reported += done
            logged = self.logged(run)
            if logged is not None and logged != done:
                raise Violation(f"{' '.join(run.words)}: the report has {dict(done)}, the audit log {dict(logged)}")

    @staticmethod
    def logged(run):
        """The workflows in the audit log; none: it has none, or ended before it was opened."""
        if run.audit is None or not run.audit.exists():
            return None
        return collections.Counter(line["id"] for line in audit.changes(run.audit) if line["kind"] == "workflow")

    def check(self, master):
        taken = collections.Counter(master.consumed)
        waiting = collections.Counter(self.cluster.commands_per_workflow())
        ours = [each for ids in self.left.values() for each in ids] + self.stuck
        states = self.cluster.states(ours)
        if master.problems:
            raise Violation(f"a master took commands of workflows that ran: {master.problems}")
        for each in ours:
            if taken[each] + waiting[each] > 1:
                raise Violation(f"workflow {each}: {taken[each]} commands taken, {waiting[each]} wait")
            if states[each] == 18 and waiting[each] == 0 and each not in self.doubted:
                raise Violation(f"workflow {each} is in state 18 without a command, and no report says so")
            if taken[each] + waiting[each] == 0 and each not in self.doubted:
                raise Violation(f"workflow {each} was not failed over, and no report says why")
            if self.reported[each] > 1:
                raise Violation(f"workflow {each} was done by {self.reported[each]} runs")
        for each, row in self.rows(self.living).items():
            if row != self.rows_of_living[each]:
                raise Violation(f"workflow {each} of the living master was changed")
        if extra := [each for each in waiting if each not in set(ours)]:
            raise Violation(f"commands for {extra}, which are not of a dead master")
        self.check_registry()
        self.counts["workflows"] += len(ours)
        self.counts["failed over"] += sum(taken.values()) + sum(waiting.values())
        self.counts["left in doubt"] += len([each for each in ours if taken[each] + waiting[each] == 0])

    def check_registry(self):
        for address in self.dead:
            if self.cluster.registry.locked(address) and not (self.killed and self.registry_name == "jdbc"):
                raise Violation(f"the failover lock of {address} was left behind")
        if self.killed and self.registry_name == "jdbc":
            return  # only a living master purges there, and none of ours does
        for folder in ("/dsfailover/runs", "/nodes/worker"):
            if names := self.cluster.registry.folder(folder):
                raise Violation(f"left behind in {folder}: {sorted(names)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, metavar="M")
    parser.add_argument("--seed", type=int, help="of the first round (chance)")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    counts, violations, rounds = collections.Counter(), 0, 0
    per_kind = collections.Counter()
    end = time.monotonic() + 60 * options.minutes
    with contextlib.ExitStack() as stack:
        all_servers = Servers(stack)
        while time.monotonic() < end:
            with tempfile.TemporaryDirectory() as folder:
                this = Round(rounds, seed + rounds, all_servers, counts, folder)
                try:
                    this.run()
                except Exception as error:
                    violations += 1
                    told = str(error) if isinstance(error, Violation) else traceback.format_exc()
                    print(f"seed {this.seed}, {this.registry_name} and {this.database_name}, {this.release}:"
                          f" {told}", *this.history, sep="\n  ", flush=True)
                finally:
                    for run in list(program.Run.under_way):
                        run.kill()
            per_kind[f"{this.registry_name}, {this.database_name}"] += 1
            rounds += 1
    print(f"{rounds} rounds in {options.minutes:g} minutes from seed {seed}: {violations} violations")
    for what, count in [*sorted(per_kind.items()), *sorted(counts.items())]:
        print(f"  {what}: {count}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
