"""What one more order, a page of the list and a search cost as orders pile up: `python -m benchmarks.growth`.

The same 2,000 new orders go into the largest company of three databases, each with ten times as many orders as the
one before (the last with a million, or `BENCH_ORDERS`), through the product's own run of a stream (pages of 250 from
memory instead of HTTP, parsed, committed, inside the wall); then its pages and searches are asked for while what came
in is not vacuumed yet. The sizes take turns.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from benchmarks.many_orders import ORDERS, ManyOrders, many_orders, owner
from benchmarks.order_rows import ROWS
from benchmarks.report import Figure, Report, median, run
from benchmarks.search import search
from channable.tenants.models import Company
from channable.tenants.scope import company_scope
from connections import dispatch
from connections.connectors import CONNECTORS
from connections.connectors.types import Page, Record
from connections.models import OutboxMessage, RunOutcome, Stream
from orders.models import Order, OrderPayload
from orders.services.pull import pull_orders
from tests.example.connector import ExampleConnector
from tests.example.simulator import ExampleMarket, ExampleShop
from tests.world import World, build, examples_registered

SIZES = [ORDERS // 100, ORDERS // 10, ORDERS]
PAGE = 250
FLAT = 1.5  # times the smallest
SEARCH_MS = 30
START = datetime.now(UTC) - timedelta(hours=1)


def raw(number: int) -> dict[str, Any]:
    line = {"sku": "MUG", "title": "Mug with a handle", "quantity": 2, "unit_price": "19.99", "shipped": 0}
    return {
        "number": f"GR-{number}", "status": "open", "placed_at": START.isoformat(), "changed_at": START.isoformat(),
        "currency": "EUR", "total": "39.98", "lines": [{**line, "id": f"GR-{number}-1"}], "shipments": [],
        "ship_to": {"name": f"Ada Zwart {number}", "street": "Dorpsstraat", "house_number": "1", "postcode": "1234 AB",
                    "city": "Utrecht", "country": "NL", "email": f"zwart{number}@example.com"},
    }  # fmt: skip


class Prepared(ExampleConnector):
    """A marketplace whose pages are in memory."""

    pages: list[Page] = []

    def fetch(self, stream: str, cursor: str) -> Iterator[Page]:
        return iter(self.pages)


def prepare(count: int) -> None:
    records = [Record(f"GR-{number}", raw=raw(number)) for number in range(count)]
    Prepared.pages = [Page(records[at : at + PAGE], f"after {at}") for at in range(0, count, PAGE)]


# -- one size, once -----------------------------------------------------------------------------------------


def enter(many: ManyOrders) -> None:
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = many.name


@contextmanager
def joined(many: ManyOrders) -> Iterator[World]:
    """The largest company with one more marketplace and shop, both taken away afterwards with what came in."""
    market, shop = ExampleMarket(), ExampleShop()
    take_away(many.largest)  # what a run that was killed left
    with market.served(), shop.served():
        try:
            with company_scope(many.largest):  # no transaction stays open around a run
                world = build(market, shop, company=Company.objects.get(pk=many.largest))
            yield world
        finally:
            take_away(many.largest)


def take_away(company_id: int) -> None:
    """Delete the example accounts of a company with all that hangs on them."""
    with owner() as server:
        (accounts, projects) = server.execute(OURS, [company_id]).fetchone() or ([], [])
        if not accounts:
            return
        orders = "(SELECT id FROM orders_order WHERE company_id = %(company)s AND connection_id = ANY(%(accounts)s))"
        of_orders = [model for model in [OrderPayload, *reversed(list(ROWS))] if hasattr(model, "order_id")]
        for statement in (
            "connections_outboxmessage WHERE connection_id = ANY(%(accounts)s)",
            *(f"{model._meta.db_table} WHERE order_id IN {orders}" for model in of_orders),
            f"orders_order WHERE id IN {orders}",
            *(f"connections_{name} WHERE connection_id = ANY(%(accounts)s)" for name in RUNS),
            "connections_orderconnection WHERE marketplace_id = ANY(%(accounts)s)",
            "connections_connection WHERE id = ANY(%(accounts)s)",
            "tenants_project WHERE id = ANY(%(projects)s)",
        ):
            values = {"company": company_id, "accounts": accounts, "projects": projects}
            server.execute(f"DELETE FROM {statement} AND company_id = %(company)s", values)
        for model in (Order, *of_orders, OutboxMessage):
            server.execute(f"VACUUM {model._meta.db_table}")


OURS = """
SELECT array_agg(DISTINCT c.id), array_agg(DISTINCT o.project_id) FILTER (WHERE o.id IS NOT NULL)
FROM connections_connection c LEFT JOIN connections_orderconnection o ON c.id = o.marketplace_id
WHERE c.company_id = %s AND c.kind LIKE 'example%%'
"""
RUNS = ("syncrun", "stream", "refusedrecord")


def pull(world: World) -> tuple[float, int]:
    """Seconds of a whole run of the marketplace's stream, and the run's id."""
    with company_scope(world.company.pk):
        Stream.objects.exclude(topic="orders").update(is_active=False)
        Stream.objects.filter(topic="orders").update(next_run_at=Now(), lease_until=None, cursor="")
    (claim,) = dispatch.claim_due()
    began = time.perf_counter()
    started = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
    assert started is not None
    pull_orders(started)
    started.finish(RunOutcome.DONE)
    seconds = time.perf_counter() - began
    assert started.counts.new == sum(len(page.records) for page in Prepared.pages)
    assert started.row is not None
    return seconds, started.row.pk


def orders_once(many: ManyOrders) -> dict[str, float]:
    """What one more order costs, and pages and searches after it; in seconds."""
    enter(many)
    company, found = many.largest, {}
    with joined(many) as world:
        seconds, run_id = pull(world)
        found["a new order"] = seconds / sum(len(page.records) for page in Prepared.pages)
        browser = many.browser(company)
        pages = {
            "All orders": f"/companies/{company}/orders/",
            "a sync run's page": f"/companies/{company}/runs/{run_id}/",
        }
        for name, url in pages.items():
            found[name] = warm(browser.asks(url))
        for name, term in (
            ("search, a number", "GR-77"),
            ("search, a name", "ada zwart 77"),
            ("search, common", "com"),
        ):
            found[name] = min(search(company, term) for _ in range(5))
    return found


def warm(fetch: Any) -> float:
    """The quickest of some: what grows is told from what the machine does besides."""
    times = []
    for _ in range(8):
        began = time.perf_counter()
        fetch()
        times.append(time.perf_counter() - began)
    return min(times)


# -- all of them --------------------------------------------------------------------------------------------


def growth_of_orders(sizes: list[int], rounds: int, new: int) -> Report:
    prepare(new)
    databases = [many_orders(size) for size in sizes]
    found: dict[str, list[list[float]]] = {}
    for turn in range(rounds + 1):  # the first one warms up
        for index, many in enumerate(databases):
            for name, seconds in orders_once(many).items():
                found.setdefault(name, [[] for _ in sizes])[index] += [seconds] if turn else []
    table = [["ms", *(f"{size:,} orders" for size in sizes), "growth"]]
    report = Report("growth", "Growth: orders", "", table)
    for name, columns in found.items():
        middles = [median(column) for column in columns]
        table.append([name, *(f"{middle * 1e3:.2f}" for middle in middles), f"{middles[-1] / middles[0]:.2f} x"])
        report.figures.append(_figure(name, middles[0], middles[-1], sizes[-1]))
    enter(databases[-1])
    report.setting = f"{new:,} new orders, {rounds} rounds, medians; {databases[-1].setting()}"
    return report


def _figure(name: str, first: float, last: float, size: int) -> Figure:
    """A search grows until it looks at 5,000 orders and stays within its own limit then; the others are flat."""
    if name.startswith("search"):
        return Figure(name, f"{last * 1e3:.1f} ms at {size:,}", f"<= {SEARCH_MS} ms", last * 1e3 <= SEARCH_MS)
    return Figure(name, f"{last / first:.2f} x at {size:,}", f"<= {FLAT} x", last <= FLAT * first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--new", type=int, default=2000)
    options = parser.parse_args()
    with examples_registered():
        CONNECTORS["example"] = Prepared
        run(lambda: growth_of_orders(options.sizes, options.rounds, options.new))


if __name__ == "__main__":
    main()
