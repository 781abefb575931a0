"""Orders that are read again, beside bulk_create, dlt and reading alone: `python -m benchmarks.resync`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import psycopg
from django.db import connection

from benchmarks.marketplace import TABLES, Marketplace, bench_world, order, owner_url, pages_of, point_to, pull, start
from benchmarks.others import BulkCreate, Dlt, fetch_and_parse
from benchmarks.report import Figure, Report, interleaved, median, run
from benchmarks.timing import Spent, spent, timed
from connections.dispatch import Counts
from tests.world import World

PAGE, LARGE = 50, 250
EVERY = 50  # one of so many is changed: 2 %
OURS_50, OURS_250, READING = "unchanged, pages of 50", "unchanged, pages of 250", "fetch and parse alone"
CHANGED, BULK, DLT = "2 % changed, pages of 250", "bulk_create, pages of 50", "dlt merge"


class Ways:
    """Every way over the same orders, which it holds already; seconds per order."""

    def __init__(self, world: World, count: int, folder: Path) -> None:
        self.world, self.count = world, count
        self.bulk, self.dlt = BulkCreate(world), Dlt(folder)
        orders = [order(number) for number in range(count)]
        self.served = {size: Marketplace(pages_of(orders, size)) for size in (PAGE, LARGE)}
        self.changes = 0
        self.cpu: dict[str, list[float]] = {OURS_250: [], CHANGED: []}
        self.written: list[int] = []
        self._pull(self.served[LARGE].url)
        self.dlt.run(self.served[LARGE].url)
        self._vacuum()

    @property
    def changed_a_round(self) -> int:
        return len(range(0, self.count, EVERY))

    def stop(self) -> None:
        for served in self.served.values():
            served.stop()

    def unchanged(self, size: int) -> float:
        before = rows_written()
        used, counts = self._pull(self.served[size].url)
        self.written.append(rows_written() - before)
        assert counts.same == self.count
        if size == LARGE:
            self.cpu[OURS_250].append(used.cpu)
        return used.wall / self.count

    def changed(self) -> float:
        """Changed once more than before; what follows reads them as they are now."""
        self.changes += 1
        orders = [order(n, changes=0 if n % EVERY else self.changes) for n in range(self.count)]
        self.stop()
        self.served = {size: Marketplace(pages_of(orders, size)) for size in (PAGE, LARGE)}
        used, counts = self._pull(self.served[LARGE].url)
        assert counts.changed == self.changed_a_round
        self.cpu[CHANGED].append(used.cpu)
        return used.wall / self.count

    def with_bulk(self) -> float:
        """It writes every row again; what that leaves behind is cleared away for the others."""
        seconds = timed(lambda: self.bulk.again(self.served[PAGE].url))
        self._vacuum()
        return seconds / self.count

    def with_dlt(self) -> float:
        seconds = timed(lambda: self.dlt.run(self.served[PAGE].url))
        assert self.dlt.count() == (self.count, 2 * self.count)
        return seconds / self.count

    def reading(self) -> float:
        return timed(lambda: fetch_and_parse(self.served[LARGE].url)) / self.count

    def _pull(self, url: str) -> tuple[Spent, Counts]:
        point_to(self.world, url)
        started = start(self.world)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        return spent(lambda: pull(started), backend), started.counts

    def _vacuum(self) -> None:
        with psycopg.connect(owner_url(), autocommit=True) as owner:
            owner.execute(f"VACUUM ANALYZE {', '.join(model._meta.db_table for model in TABLES)}")


def rows_written() -> int:
    """Rows that were ever inserted, updated or deleted in the tables of orders, as PostgreSQL counts them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname = ANY(%s)",
            [[model._meta.db_table for model in TABLES]],
        )
        return int(cursor.fetchone()[0])


def measure(count: int, rounds: int) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="bench-dlt-"))
    try:
        with bench_world("bench_resync") as world:
            ways = Ways(world, count, folder)
            try:
                found = interleaved(
                    {
                        OURS_50: lambda: ways.unchanged(PAGE),
                        OURS_250: lambda: ways.unchanged(LARGE),
                        READING: ways.reading,
                        CHANGED: ways.changed,
                        BULK: ways.with_bulk,
                        DLT: ways.with_dlt,
                    },
                    rounds,
                )
            finally:
                ways.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report(found, ways, f"{count:,} orders of 2 lines, {rounds} interleaved rounds, medians")


def report(found: dict[str, list[float]], ways: Ways, setting: str) -> Report:
    speed = {name: 1 / median(values) for name, values in found.items()}
    table = [["", "orders/s", "of reading", "x bulk_create", "x dlt"]]
    for name, value in sorted(speed.items(), key=lambda one: -one[1]):
        ratios = (f"{value / speed[READING]:.0%}", f"{value / speed[BULK]:.1f}", f"{value / speed[DLT]:.1f}")
        table.append([name, f"{value:,.0f}", *ratios])
    cost = {name: median(values) for name, values in ways.cpu.items()}
    held = figures(speed, cost, max(ways.written))
    return Report("resync", "Orders read again", setting, table, held, notes(cost, ways.changed_a_round))


def notes(cost: dict[str, float], changed: int) -> list[str]:
    """What a changed order costs, and what it may cost for the figure to be held."""
    each, may = (cost[CHANGED] - cost[OURS_250]) / changed, 0.6 * cost[OURS_250] / changed
    return [
        f"A changed order takes {each * 1000:.1f} ms of CPU more than an unchanged one and may take {may * 1000:.1f}: "
        "each is locked, updated and decided about by itself, in 13 statements. Writing the remote-owned columns "
        "of a page's changed orders at once would get nearer.",
    ]


def figures(speed: dict[str, float], cost: dict[str, float], written: int) -> list[Figure]:
    held = []
    for ours in (OURS_50, OURS_250):
        ratio = speed[ours] / speed[DLT]
        held.append(Figure(ours, f"{ratio:.1f} x dlt's merge", ">= 12 x", ratio >= 12))
    dearer = cost[CHANGED] / cost[OURS_250]
    return [
        *held,
        Figure("unchanged, rows written in the tables of orders", str(written), "0", written == 0),
        Figure(CHANGED, f"{dearer:.2f} x the CPU of unchanged", "<= 1.6 x", dearer <= 1.6),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    run(lambda: measure(options.orders, options.rounds))


if __name__ == "__main__":
    main()
