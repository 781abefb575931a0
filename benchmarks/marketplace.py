"""A marketplace in a process of its own, and a company that reads it: what `ingest`, `resync` and `memory` share."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.conf import settings
from django.db import connection

from channable.tenants.scope import company_scope
from connections import dispatch
from connections.models import OutboxMessage, RunOutcome, Stream
from orders.models import Address, ItemPart, Order, OrderEvent, OrderItem, OrderPayload
from orders.services.pull import pull_orders
from tests.database import make_database
from tests.example.simulator import ExampleShop
from tests.world import World, build, examples_registered

API_KEY = "bench-key-0123456789"
START = datetime.now(UTC) - timedelta(hours=1)
# Everything a page of new orders writes, parents first.
TABLES = [Order, Address, OrderItem, ItemPart, OrderEvent, OrderPayload, OutboxMessage]

Raw = dict[str, Any]
Pages = Callable[[int], bytes]  # the body of a page by its number


def order(number: int, *, changes: int = 0) -> Raw:
    """An order of two lines in the marketplace's words; each change touches it later, and moves it to another house."""
    moment = START + timedelta(milliseconds=number, minutes=changes)
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
            "house_number": str(number % 200 + 1 + 300 * changes),
            "postcode": "1234 AB",
            "city": "Utrecht",
            "country": "NL",
            "email": f"buyer{number}@example.com",
        },
        "lines": [{**line, "id": f"EX-{number}-{i}", "quantity": i + 1} for i in range(2)],
        "shipments": [],
    }


def page_body(orders: Sequence[Raw], number: int, *, is_last: bool) -> bytes:
    return json.dumps({"orders": orders, "next": None if is_last else str(number + 1)}).encode()


def pages_of(orders: Sequence[Raw], size: int) -> Pages:
    """Made beforehand, so that making them costs nobody anything."""
    chunks = [orders[start : start + size] for start in range(0, len(orders), size)]
    bodies = [page_body(chunk, index, is_last=index == len(chunks) - 1) for index, chunk in enumerate(chunks)]
    return bodies.__getitem__


def backlog(count: int, size: int) -> Pages:
    """Made while they are read: a backlog of any length takes no memory."""

    def body(page: int) -> bytes:
        numbers = range(page * size, min((page + 1) * size, count))
        return page_body([order(number) for number in numbers], page, is_last=(page + 1) * size >= count)

    return body


def _serve(pages: Pages, pipe: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            after = int(dict(parse_qsl(parts.query)).get("after", 0))
            body = b'{"id": "acc-1", "name": "Bench"}' if parts.path == "/account" else pages(after)
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

    name, api_key = "example", API_KEY

    def __init__(self, pages: Pages) -> None:
        ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_serve, args=(pages, theirs), daemon=True)
        self.process.start()
        self.url = f"http://127.0.0.1:{ours.recv()}"

    def stop(self) -> None:
        self.process.kill()
        self.process.join()


@contextmanager
def marketplace(pages: Pages) -> Iterator[Marketplace]:
    served = Marketplace(pages)
    try:
        yield served
    finally:
        served.stop()


@contextmanager
def bench_world(database: str) -> Iterator[World]:
    """A fresh migrated database with one company, whose marketplace account `point_to` moves about."""
    make_database(database)
    shop = ExampleShop()
    with examples_registered(), shop.served(), marketplace(pages_of([order(0)], 50)) as first:
        world = build(first, shop)
        with company_scope(world.company.pk):
            Stream.objects.filter(topic="updates").update(is_active=False)
        yield world


def point_to(world: World, url: str) -> None:
    """Let the account read another server."""
    with company_scope(world.company.pk):
        row = world.marketplace
        row.sealed_credentials = row.seal("credentials", {"url": url, "api_key": API_KEY})
        row.save(update_fields=["sealed_credentials"])


def start(world: World, *, afresh: bool = True) -> dispatch.Run:
    """A run of the marketplace's stream, as a worker starts it; afresh: from the stream's beginning."""
    if afresh:
        with company_scope(world.company.pk):
            Stream.objects.filter(topic="orders").update(cursor="")
    with company_scope(world.company.pk):
        dispatch.request_sync([world.marketplace.pk])
    (claim,) = dispatch.claim_due()
    run = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
    assert run is not None
    return run


def pull(run: dispatch.Run) -> dispatch.Counts:
    """The rest of it: pages in, committed, the run written down."""
    pull_orders(run)
    run.finish(RunOutcome.DONE)
    return run.counts


def empty() -> None:
    """Truncated, not vacuumed: a table that is known to be empty would be scanned for its foreign keys' checks."""
    with connection.cursor() as cursor:
        tables = ", ".join(model._meta.db_table for model in TABLES)
        cursor.execute(f"TRUNCATE {tables} CASCADE")  # and what refers to an order


def counted(world: World) -> tuple[int, int]:
    """Orders and lines that are there."""
    with company_scope(world.company.pk):
        return Order.objects.count(), OrderItem.objects.count()


def owner_url() -> str:
    """The bench database, as its owner."""
    url: str = settings.DATABASE_OWNER_URL
    name = str(settings.DATABASES["default"]["NAME"])
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
