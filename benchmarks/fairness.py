"""Whether one company's backlog makes the others wait: `python -m benchmarks.fairness`.

How late the syncs of 50 companies begin, with and without one more company that reads a backlog of 20,000 orders
and creates them in its shop. Compare the ratio.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.utils import timezone

from benchmarks import fleet
from benchmarks.marketplace import empty
from benchmarks.remote import API_KEY, remote
from benchmarks.report import Figure, Report, interleaved, median, percentile, run
from channable.tenants.scope import company_scope
from connections.models import Connection, Stream
from orders.models import Order
from tests.example.simulator import ExampleShop
from tests.world import World, build, examples_registered

COMPANIES = 50
DELAY = 30  # ms
THREADS = 32
QUIET = "<= 2 s, or the ratio says nothing"


@dataclass
class Market:
    """Looks like tests.example's simulator to `build`."""

    url: str
    name: str = "example"
    api_key: str = API_KEY


def others_wait(companies: range, seconds: float) -> list[float]:
    """How late each of the others' syncs began that were due in the coming seconds."""
    due = fleet.spread_due(companies, seconds)
    time.sleep(seconds + 3)  # the last ones may be a tick late
    return fleet.lateness(due)


def with_backlog(world: World, companies: range, seconds: float, counts: list[int]) -> list[float]:
    """The same while the company reads its backlog from the start; notes how far it came."""
    _set_reading(world, is_active=True)
    try:
        return others_wait(companies, seconds)
    finally:
        with company_scope(world.company.pk):
            counts.append(Order.objects.count())
        _stop(world)


def _stop(world: World) -> None:
    """Nothing of the backlog is left to read or to send, or the next quiet round would not be quiet."""
    _set_reading(world, is_active=False)
    fleet.wait_until(lambda: not _is_sending(world))
    empty()


def _is_sending(world: World) -> bool:
    with company_scope(world.company.pk):
        return Connection.objects.filter(sender_lease_until__isnull=False).exists()


def _set_reading(world: World, *, is_active: bool) -> None:
    """Stopping takes the lease away as well: a run under way can write nothing more."""
    with company_scope(world.company.pk):
        Connection.objects.update(is_paused=not is_active)
        Stream.objects.update(
            is_active=is_active, cursor="", next_run_at=timezone.now(), lease_until=None, lease_token=None
        )


def measure(options: argparse.Namespace) -> Report:
    fleet.fresh_database("fairness")
    with ExitStack() as stack:
        address, shop = stack.enter_context(remote()), ExampleShop()
        stack.enter_context(examples_registered())
        stack.enter_context(shop.served())
        market = Market(f"{address}/{DELAY}/{options.orders}")
        world = build(market, shop, start_at=timezone.now() - timedelta(days=7))
        _set_reading(world, is_active=False)
        companies = fleet.add_streams(options.streams, companies=COMPANIES, url=f"{address}/{DELAY}")
        stack.enter_context(fleet.workers(options.processes, THREADS))
        stack.enter_context(fleet.product("beat"))
        fleet.spread_due(companies, options.seconds)
        fleet.settle()
        found: dict[str, list[list[float]]] = {"quiet": [], "backlog": []}
        counts: list[int] = []
        ways = {
            "quiet": lambda: _kept(found["quiet"], others_wait(companies, options.seconds)),
            "backlog": lambda: _kept(found["backlog"], with_backlog(world, companies, options.seconds, counts)),
        }
        p95 = {name: median(values) for name, values in interleaved(ways, options.rounds).items()}
    return _report(options, p95, found, counts)


def _kept(kept: list[list[float]], found: list[float]) -> float:
    kept.append(found)
    return percentile(found, 0.95)


def _report(
    options: argparse.Namespace, p95: dict[str, float], found: dict[str, list[list[float]]], counts: list[int]
) -> Report:
    ratio, is_quiet = p95["backlog"] / p95["quiet"], p95["quiet"] <= 2
    rows = [
        [name, f"{median([median(one) for one in found[name]]):.2f}", f"{p95[name]:.2f}",
         f"{median([percentile(one, 0.99) for one in found[name]]):.2f}"]
        for name in ("quiet", "backlog")
    ]  # fmt: skip
    return Report(
        "fairness",
        "One company's backlog, and the others",
        f"{options.streams:,} streams of {COMPANIES} companies, each due once in {options.seconds} s; beside them one "
        f"company with {options.orders:,} open orders to read and to create in its shop. {options.rounds} interleaved "
        f"rounds, medians.",
        [["the others' syncs begin after", "median, s", "p95, s", "p99, s"], *rows],
        [
            Figure("the others' p95 in the quiet run", f"{p95['quiet']:.2f} s", QUIET, is_quiet),
            Figure(
                "the others' p95, with the backlog / quiet", f"{ratio:.2f} x", "<= 1.5 x", is_quiet and ratio <= 1.5
            ),
        ],
        [f"Meanwhile {median(counts):,.0f} orders of the backlog were read (the median of the rounds)."],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1500)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    run(lambda: measure(options))


if __name__ == "__main__":
    main()
