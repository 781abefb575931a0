"""The memory that a backlog takes, whatever its length: `python -m benchmarks.memory`."""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
from dataclasses import dataclass
from typing import Any

from django.db import connections

from benchmarks.marketplace import backlog, bench_world, counted, empty, marketplace, point_to, pull, start
from benchmarks.report import Figure, Report, run
from benchmarks.timing import timed
from tests.world import World

COUNTS = (1_000, 20_000, 100_000)
MOST = 150  # MB
PAGE = 250


@dataclass(frozen=True, slots=True)
class Peak:
    """Megabytes (10**6 bytes), seconds."""

    orders: int
    before: float
    peak: float
    seconds: float


def in_process(world: World, count: int, url: str) -> Peak:
    """Pull them in a process of its own, which is forked before anything was read."""
    connections.close_all()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_pull, args=(world, url, theirs))
    process.start()
    theirs.close()  # so that a child that dies ends the waiting
    before, peak, seconds = ours.recv()
    process.join()
    assert counted(world) == (count, 2 * count)
    return Peak(count, before, peak, seconds)


def _pull(world: World, url: str, pipe: Any) -> None:
    point_to(world, url)
    before = peak_memory()
    seconds = timed(lambda: _pull_all(world))
    pipe.send((before, peak_memory(), seconds))


def _pull_all(world: World) -> None:
    """A run stops between pages after its time; the next one goes on, as in a worker."""
    started = start(world)
    pull(started)
    while started.has_more:
        started = start(world, afresh=False)
        pull(started)


def peak_memory() -> float:
    """The most this process ever had resident, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def measure(counts: list[int]) -> Report:
    found = []
    with bench_world("bench_memory") as world:
        for count in counts:
            empty()
            with marketplace(backlog(count, PAGE)) as served:
                found.append(in_process(world, count, served.url))
    table = [["orders", "before, MB", "peak, MB", "seconds"]]
    table += [[f"{one.orders:,}", f"{one.before:.0f}", f"{one.peak:.0f}", f"{one.seconds:.1f}"] for one in found]
    figures = [
        Figure(f"a backlog of {one.orders:,} orders", f"{one.peak:.0f} MB", f"<= {MOST} MB", one.peak <= MOST)
        for one in found
    ]
    setting = f"one run of a stream in a process of its own, pages of {PAGE}, highest resident memory"
    return Report("memory", "Memory of a backlog", setting, table, figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, nargs="+", default=list(COUNTS))
    options = parser.parse_args()
    run(lambda: measure(options.orders))


if __name__ == "__main__":
    main()
