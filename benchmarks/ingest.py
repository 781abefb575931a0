"""How many orders per second come in: `make bench`, or `make bench ARGS="--orders 20000"`.

The product's own code (a run of a stream: HTTP page, parsing, committed rows, under row-level security
as the role that serves) beside raw COPY of the same rows and beside a naive ORM, interleaved in one run
on one database. Compare the ratios; the absolute figures depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import psycopg
from django.conf import settings
from django.db import connection

from channable.tenants.scope import company_scope
from connections import dispatch
from connections.models import OutboxMessage, RunOutcome
from orders.models import Address, ItemPart, Order, OrderEvent, OrderItem, OrderPayload
from orders.services.pull import pull_orders
from tests import engine
from tests.database import make_database
from tests.example.simulator import ExampleShop
from tests.world import World, build, examples_registered

TABLES = [Order, Address, OrderItem, ItemPart, OrderEvent, OrderPayload, OutboxMessage]
NAIVE_ORDERS = 200
START = datetime.now(UTC) - timedelta(hours=1)


# -- the marketplace: pages made beforehand, served by a process of its own ---------------------------


def order(number: int, *, changed: bool = False) -> dict[str, Any]:
    moment = START + timedelta(milliseconds=number + (10**7 if changed else 0))
    line = {"sku": "MUG", "title": "Mug with a handle", "unit_price": "19.99", "shipped": 0}
    return {
        "number": f"EX-{number}",
        "status": "open",
        "placed_at": START.isoformat(),
        "changed_at": moment.isoformat(),
        "currency": "EUR",
        "total": "59.97",
        "ship_to": {
            "name": f"Ada de Vries {number}",
            "street": "Dorpsstraat",
            "house_number": str(number % 200 + 1),
            "postcode": "1234 AB",
            "city": "Utrecht",
            "country": "NL",
            "email": f"buyer{number}@example.com",
        },
        "lines": [{**line, "id": f"EX-{number}-{i}", "quantity": i + 1} for i in range(2)],
        "shipments": [],
    }


def pages_of(orders: list[dict[str, Any]], size: int) -> list[bytes]:
    chunks = [orders[start : start + size] for start in range(0, len(orders), size)]
    last = len(chunks) - 1
    return [
        json.dumps({"orders": chunk, "next": str(index + 1) if index < last else None}).encode()
        for index, chunk in enumerate(chunks)
    ]


def serve(pages: list[bytes], pipe: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            after = int(dict(parse_qsl(parts.query)).get("after", 0))
            body = b'{"id": "acc-1", "name": "Bench"}' if parts.path == "/account" else pages[after]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()  # in one packet with the headers

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


class Marketplace:
    """Looks like tests.example's simulator to `build`."""

    name, api_key = "example", "bench-key-0123456789"

    def __init__(self, orders: list[dict[str, Any]], page_size: int) -> None:
        ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(pages_of(orders, page_size), theirs), daemon=True)
        self.process.start()
        self.url = f"http://127.0.0.1:{ours.recv()}"

    def stop(self) -> None:
        self.process.kill()
        self.process.join()


@contextmanager
def marketplace(orders: list[dict[str, Any]], page_size: int) -> Any:
    served = Marketplace(orders, page_size)
    try:
        yield served
    finally:
        served.stop()


# -- what is measured ---------------------------------------------------------------------------------


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def pull(world: World) -> dispatch.Counts:
    """One whole run of the marketplace's stream, as a worker does it."""
    with company_scope(world.company.pk):
        from connections.models import Stream

        Stream.objects.filter(topic="updates").update(is_active=False)
        Stream.objects.filter(topic="orders").update(cursor="")
    engine.hurry()
    (claim,) = dispatch.claim_due()
    run = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
    assert run is not None
    pull_orders(run)
    run.finish(RunOutcome.DONE)
    return run.counts


def point_to(world: World, url: str) -> None:
    with company_scope(world.company.pk):
        row = world.marketplace
        row.sealed_credentials = row.seal("credentials", {"url": url, "api_key": Marketplace.api_key})
        row.save(update_fields=["sealed_credentials"])


def empty() -> None:
    with connection.cursor() as cursor:
        tables = ", ".join(model._meta.db_table for model in [*TABLES])
        cursor.execute(f"TRUNCATE {tables}, orders_shipment, orders_cancellation, orders_syncedorder")


class Copy:
    """The same rows again, by COPY: no parsing, no decisions, no row security."""

    def __init__(self, url: str) -> None:
        self.server = psycopg.connect(url)
        self.chunks: list[list[tuple[str, bytes]]] = []

    def learn(self, chunk: int = 1000) -> None:
        """Keep the rows that the product wrote, in chunks of whole orders."""
        self._force("NO FORCE")
        low, high = self.server.execute("SELECT min(id), max(id) FROM orders_order").fetchone() or (0, 0)
        self.chunks = []
        for start in range(low, high + 1, chunk):
            rows = []
            for model in TABLES:
                table, key = model._meta.db_table, {Order: "id", OutboxMessage: "subject_id"}.get(model, "order_id")
                query = f"COPY (SELECT * FROM {table} WHERE {key} BETWEEN {start} AND {start + chunk - 1}) TO STDOUT"
                with self.server.cursor().copy(query) as out:
                    rows.append((table, b"".join(bytes(part) for part in out)))
            self.chunks.append(rows)
        self._force("FORCE")

    def write(self) -> None:
        self._force("NO FORCE")  # COPY is refused under row security
        for rows in self.chunks:
            for table, data in rows:
                with self.server.cursor().copy(f"COPY {table} FROM STDIN") as into:
                    into.write(data)
            self.server.commit()
        self._force("FORCE")

    def _force(self, word: str) -> None:
        for model in TABLES:
            self.server.execute(f"ALTER TABLE {model._meta.db_table} {word} ROW LEVEL SECURITY")
        self.server.commit()


def naive(world: World, count: int) -> None:
    """An order at a time, a row at a time, as one would write it first."""
    for number in range(count):
        raw = order(number)
        with company_scope(world.company.pk):
            keys = {"company": world.company}
            row = Order.objects.create(
                **keys, project=world.project, order_connection=world.pair, connection=world.marketplace,
                shop=world.platform, external_id=raw["number"], number=raw["number"], remote_status="open",
                ordered_at=START, currency="EUR", total_amount=Decimal(raw["total"]), status="not_shipped",
                reference=raw["number"], customer_name=raw["ship_to"]["name"], search_text=raw["number"],
            )  # fmt: skip
            for kind in ("billing", "shipping"):
                Address.objects.create(**keys, order=row, kind=kind, last_name=raw["ship_to"]["name"], city="Utrecht")
            for line in raw["lines"]:
                item = OrderItem.objects.create(
                    **keys, order=row, external_id=line["id"], product_id=line["sku"], quantity=line["quantity"],
                    unit_price=Decimal(line["unit_price"]),
                )  # fmt: skip
                ItemPart.objects.create(**keys, order=row, item=item, quantity=line["quantity"])
            OrderEvent.objects.create(**keys, order=row, code="order.received", message="Received", occurred_at=START)
            OrderPayload.objects.create(**keys, order=row, source="marketplace", api_version="1", body=raw)
            OutboxMessage.objects.create(
                **keys, connection=world.platform, kind="create_order", subject_id=row.pk, reference=raw["number"]
            )


def measure(world: World, count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds per order of each way, over interleaved rounds."""
    fresh = [order(number) for number in range(count)]
    changed = [order(number, changed=number % 50 == 0) for number in range(count)]
    copy = Copy(settings.DATABASE_OWNER_URL.replace("/channable?", f"/{settings.DATABASES['default']['NAME']}?"))
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float, orders: int) -> None:
        found.setdefault(name, []).append(seconds / orders)

    for _ in range(rounds):
        for size in (50, 250):
            empty()
            with marketplace(fresh, size) as served:
                point_to(world, served.url)
                note(f"new, pages of {size}", timed(lambda: pull(world)), count)
                assert rows(world) == (count, 2 * count)
                note(f"unchanged, pages of {size}", timed(lambda: pull(world)), count)
        with marketplace(changed, 250) as served:
            point_to(world, served.url)
            note("2 % changed, pages of 250", timed(lambda: pull(world)), count)
        copy.learn()
        empty()
        note("raw COPY", timed(copy.write), count)
        assert rows(world) == (count, 2 * count)
        empty()
        note("naive ORM", timed(lambda: naive(world, NAIVE_ORDERS)), NAIVE_ORDERS)
    empty()
    return found


def rows(world: World) -> tuple[int, int]:
    with company_scope(world.company.pk):
        return Order.objects.count(), OrderItem.objects.count()


def report(found: dict[str, list[float]], count: int, rounds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), version()")
        fsync, version = cursor.fetchone()
    print(
        f"{count} orders of 2 lines, {rounds} interleaved rounds, medians; {os.cpu_count()} cores, {platform.machine()}"
    )
    print(f"Python {platform.python_version()}, {version.split(' on ')[0]}, fsync {fsync}\n")
    speed = {name: 1 / statistics.median(values) for name, values in found.items()}
    print(f"{'':28}{'orders/s':>10}{'of COPY':>10}{'x naive':>10}")
    for name, value in sorted(speed.items(), key=lambda one: -one[1]):
        print(f"{name:28}{value:10,.0f}{value / speed['raw COPY']:10.0%}{value / speed['naive ORM']:10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    make_database("bench_ingest")
    shop = ExampleShop()
    with examples_registered(), shop.served(), marketplace([order(0)], 50) as first:
        world = build(first, shop)
        report(measure(world, options.orders, options.rounds), options.orders, options.rounds)


if __name__ == "__main__":
    main()
