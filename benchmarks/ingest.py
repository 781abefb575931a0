"""New orders coming in, beside raw COPY, bulk_create, dlt and the ORM: `python -m benchmarks.ingest`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.copying import Copy
from benchmarks.marketplace import (
    Marketplace,
    bench_world,
    counted,
    empty,
    marketplace,
    order,
    pages_of,
    point_to,
    pull,
    start,
)
from benchmarks.others import BulkCreate, Dlt, NaiveOrm
from benchmarks.report import Figure, Report, interleaved, median, run
from benchmarks.timing import timed
from tests.world import World

NAIVE_ORDERS = 200
PAGE = 50
OURS_50, OURS_250, COPY = "ours, pages of 50", "ours, pages of 250", "raw COPY"
BULK, DLT, NAIVE = "bulk_create, pages of 50", "dlt merge", "naive ORM"
ONE, ONE_BULK, ONE_DLT, ONE_NAIVE = "ours", "bulk_create", "dlt merge", "naive ORM"


class Ways:
    """Every way over the same orders, each into emptied tables; seconds per order."""

    def __init__(self, world: World, count: int, folder: Path) -> None:
        self.world, self.count = world, count
        self.copy, self.bulk, self.naive = Copy(), BulkCreate(world), NaiveOrm(world)
        self.dlt = Dlt(folder)
        orders = [order(number) for number in range(count)]
        self.served = {size: Marketplace(pages_of(orders, size)) for size in (PAGE, 250)}
        self.few = Marketplace(pages_of(orders[:NAIVE_ORDERS], PAGE))
        self.page = Marketplace(pages_of(orders[:PAGE], PAGE))

    def warm(self) -> None:
        """What only the first time costs: statements prepared, dlt's tables made, COPY's rows learnt."""
        with marketplace(pages_of([order(0)], PAGE)) as one:
            self.dlt.run(one.url)
            self.bulk.new(one.url)
        self.ours(250)
        self.copy.learn()

    def stop(self) -> None:
        for served in [*self.served.values(), self.few, self.page]:
            served.stop()

    def ours(self, size: int) -> float:
        return self._into_product(self._pull, self.served[size], self.count)

    def copied(self) -> float:
        empty()
        self.copy.walls(up=False)
        seconds = timed(self.copy.write)
        self.copy.walls(up=True)
        assert counted(self.world) == (self.count, 2 * self.count)
        return seconds / self.count

    def with_bulk(self) -> float:
        return self._into_product(lambda url: timed(lambda: self.bulk.new(url)), self.served[PAGE], self.count)

    def with_orm(self) -> float:
        return self._into_product(lambda url: timed(lambda: self.naive.new(url)), self.few, NAIVE_ORDERS)

    def with_dlt(self) -> float:
        return self._with_dlt(self.served[PAGE], self.count)

    def one_page(self) -> dict[str, Callable[[], float]]:
        """A page of 50 alone, from the run's start to its end; seconds for the page."""
        return {
            ONE: lambda: PAGE * self._into_product(self._pull, self.page, PAGE),
            ONE_BULK: lambda: PAGE * self._into_product(lambda u: timed(lambda: self.bulk.new(u)), self.page, PAGE),
            ONE_DLT: lambda: PAGE * self._with_dlt(self.page, PAGE),
            ONE_NAIVE: lambda: PAGE * self._into_product(lambda u: timed(lambda: self.naive.new(u)), self.page, PAGE),
        }

    def _pull(self, url: str) -> float:
        point_to(self.world, url)
        run = start(self.world)
        return timed(lambda: pull(run))

    def _into_product(self, write: Callable[[str], float], served: Marketplace, count: int) -> float:
        empty()
        seconds = write(served.url)
        assert counted(self.world) == (count, 2 * count)
        return seconds / count

    def _with_dlt(self, served: Marketplace, count: int) -> float:
        self.dlt.empty()
        seconds = timed(lambda: self.dlt.run(served.url))
        assert self.dlt.count() == (count, 2 * count)
        return seconds / count


def measure(count: int, rounds: int) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="bench-dlt-"))
    try:
        with bench_world("bench_ingest") as world:
            ways = Ways(world, count, folder)
            try:
                ways.warm()
                found = interleaved(
                    {
                        OURS_50: lambda: ways.ours(PAGE),
                        OURS_250: lambda: ways.ours(250),
                        COPY: ways.copied,
                        BULK: ways.with_bulk,
                        DLT: ways.with_dlt,
                        NAIVE: ways.with_orm,
                    },
                    rounds,
                )
                pages = interleaved(ways.one_page(), 2 * rounds + 1)
            finally:
                ways.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report(found, pages, f"{count:,} new orders of 2 lines, {rounds} interleaved rounds, medians")


def report(found: dict[str, list[float]], pages: dict[str, list[float]], setting: str) -> Report:
    speed = {name: 1 / median(values) for name, values in found.items()}
    table = [["", "orders/s", "of COPY", "x dlt", "x naive ORM"]]
    for name, value in sorted(speed.items(), key=lambda one: -one[1]):
        ratios = (f"{value / speed[COPY]:.0%}", f"{value / speed[DLT]:.1f}", f"{value / speed[NAIVE]:.1f}")
        table.append([name, f"{value:,.0f}", *ratios])
    one = {name: median(values) for name, values in pages.items()}
    for name, seconds in sorted(one.items(), key=lambda pair: pair[1]):
        table.append([f"one page of 50, {name}", f"{seconds * 1000:.1f} ms", "", f"{one[ONE_DLT] / seconds:.1f}", ""])
    return Report("ingest", "Orders coming in", setting, table, figures(speed, one), notes(speed))


def notes(speed: dict[str, float]) -> list[str]:
    """The most that the product's tables allow, beside ways that write fewer tables or fewer rows at once."""
    dlt, naive = (speed[COPY] / speed[name] for name in (DLT, NAIVE))
    return [
        f"Raw COPY of the product's rows, with their indexes and keys, is itself {dlt:.1f} x dlt's merge and "
        f"{naive:.0f} x the naive ORM; beyond that no insert into these tables can go.",
        "dlt writes four tables without our indexes, keys, payloads or outbox, and commits once at the end.",
    ]


def figures(speed: dict[str, float], one: dict[str, float]) -> list[Figure]:
    held = []
    for ours in (OURS_50, OURS_250):
        share, dlt, naive = (speed[ours] / speed[name] for name in (COPY, DLT, NAIVE))
        held += [
            Figure(ours, f"{share:.0%} of raw COPY", ">= 25 % (stretch 33 %)", share >= 0.25),
            Figure(ours, f"{dlt:.1f} x dlt's merge", ">= 3 x", dlt >= 3),
            Figure(ours, f"{naive:.0f} x naive ORM", ">= 40 x", naive >= 40),
        ]
    page = one[ONE_DLT] / one[ONE]
    return [*held, Figure("one page of 50", f"{page:.1f} x dlt's merge", ">= 4 x", page >= 4)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    run(lambda: measure(options.orders, options.rounds))


if __name__ == "__main__":
    main()
