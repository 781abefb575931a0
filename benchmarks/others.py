"""How others would take the same pages in: Django's bulk_create, the ORM as one writes it first, and dlt.

The two of Django write the product's own tables with the product's own parsing and mapping, so that only the way
of writing differs. dlt writes plain tables of its own, as it makes them: orders, lines, two addresses and history of
each, but no payloads, outbox, keys between them or walls.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
from django.db import connection, transaction
from django_scopes import scope

from benchmarks.marketplace import Raw, owner_url
from connections.connectors.types import OrderData
from connections.models import OutboxMessage
from orders.models import Address, ItemPart, Order, OrderEvent, OrderItem, OrderPayload
from orders.references import order_reference
from orders.services.checks import refuse_unusable
from orders.services.columns import address_row, item_row, personal, remote_owned
from tests.example.mapping import parse_order
from tests.world import World


def fetched(url: str) -> Iterator[list[Raw]]:
    """The pages of the marketplace, read with plain `requests`."""
    with requests.Session() as session:
        after = "0"
        while after is not None:
            answer = session.get(f"{url}/orders", params={"after": after}, timeout=30).json()
            yield answer["orders"]
            after = answer["next"]


def fetch_and_parse(url: str) -> int:
    """Reading alone: no database."""
    return sum(len([parse_order(raw) for raw in page]) for page in fetched(url))


class WithDjango:
    """Writes the product's tables as the role that serves; the company is set once for the session."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = {"company_id": world.company.pk}

    def inside(self, work: Callable[[], None]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.company', %s, false)", [str(self.world.company.pk)])
        with scope(company=self.world.company.pk):
            work()
        with connection.cursor() as cursor:
            cursor.execute("RESET app.company")

    def order_values(self, data: OrderData, version: str) -> dict[str, Any]:
        world, account = self.world, self.world.marketplace
        values = {**self.keys, "project_id": world.project.pk, "order_connection_id": world.pair.pk}
        values |= {"connection_id": account.pk, "shop_id": world.platform.pk, "external_id": data.external_id}
        values |= {"remote_version": version, "status": "not_shipped", **remote_owned(data, ""), **personal(data)}
        return {**values, "reference": order_reference(account.kind, account.account_id, data.external_id)}

    def history(self, order: Order, data: OrderData, raw: Raw) -> tuple[OrderEvent, OrderPayload, OutboxMessage]:
        keys = {**self.keys, "order": order}
        event = OrderEvent(
            **keys, code="order.received", message="Received", to_status=order.status, occurred_at=data.ordered_at
        )
        payload = OrderPayload(**keys, source="marketplace", api_version="1", body=raw)
        message = OutboxMessage(
            **self.keys,
            connection_id=order.shop_id,
            kind="create_order",
            subject_id=order.pk,
            reference=order.reference,
        )
        return event, payload, message


class BulkCreate(WithDjango):
    """`bulk_create(update_conflicts=True)` table by table, a transaction per page."""

    def new(self, url: str) -> None:
        self.inside(lambda: self._pages(url, with_history=True))

    def again(self, url: str) -> None:
        """What is known already is written over; history would be doubled, so it is left out."""
        self.inside(lambda: self._pages(url, with_history=False))

    def _pages(self, url: str, *, with_history: bool) -> None:
        for page in fetched(url):
            read = [(raw, parse_order(raw)) for raw in page]
            for _raw, data in read:
                refuse_unusable(data)
            with transaction.atomic():
                self._page(read, with_history)

    def _page(self, read: list[tuple[Raw, OrderData]], with_history: bool) -> None:
        values = [self.order_values(data, raw["changed_at"]) for raw, data in read]
        orders = _upsert(Order, [Order(**row) for row in values], ["company", "connection", "external_id"])
        pairs = [(order, data) for order, (_raw, data) in zip(orders, read, strict=True)]
        sides = [("billing", "billing"), ("shipping", "shipping_address")]
        addresses = [
            Address(**self.keys, order=order, kind=kind, **address_row(getattr(data, side)))
            for order, data in pairs
            for kind, side in sides
        ]
        _upsert(Address, addresses, ["company", "order", "kind"])
        lines = [OrderItem(**self.keys, order=order, **item_row(line)) for order, data in pairs for line in data.items]
        lines = _upsert(OrderItem, lines, ["company", "order", "external_id"])
        if not with_history:
            return
        ItemPart.objects.bulk_create(
            ItemPart(**self.keys, order_id=line.order_id, item=line, quantity=line.quantity) for line in lines
        )
        history = [self.history(order, data, raw) for order, (raw, data) in zip(orders, read, strict=True)]
        for model, rows in zip((OrderEvent, OrderPayload, OutboxMessage), zip(*history, strict=True), strict=True):
            model.objects.bulk_create(rows)


def _upsert(model: Any, rows: list[Any], unique: list[str]) -> list[Any]:
    kept = {"id", "created_at", *unique}
    fields = [field.name for field in model._meta.concrete_fields if field.name not in kept]
    made: list[Any] = model.objects.bulk_create(rows, update_conflicts=True, unique_fields=unique, update_fields=fields)
    return made


class NaiveOrm(WithDjango):
    """An order at a time and a row at a time, with update_or_create so that reading twice is harmless, in a
    transaction per order: what one would write first."""

    def new(self, url: str) -> None:
        self.inside(lambda: self._pages(url))

    def _pages(self, url: str) -> None:
        for page in fetched(url):
            for raw in page:
                with transaction.atomic():
                    self._order(raw, parse_order(raw))

    def _order(self, raw: Raw, data: OrderData) -> None:
        values = self.order_values(data, raw["changed_at"])
        unique = {name: values.pop(name) for name in ("company_id", "connection_id", "external_id")}
        order, is_new = Order.objects.update_or_create(**unique, defaults=values)
        keys = {**self.keys, "order": order}
        for kind, address in (("billing", data.billing), ("shipping", data.shipping_address)):
            Address.objects.update_or_create(**keys, kind=kind, defaults=address_row(address))
        for line in data.items:
            columns = item_row(line)
            number = columns.pop("external_id")
            item, _made = OrderItem.objects.update_or_create(**keys, external_id=number, defaults=columns)
            if is_new:
                ItemPart.objects.create(**keys, item=item, quantity=line.quantity)
        if is_new:
            for row in self.history(order, data, raw):
                row.save()


class Dlt:
    """dlt's merge into PostgreSQL as it is out of the box: pages as they come, `number` as primary key.

    One run of its pipeline takes all pages in, which is what it is made for; it commits once at the end.
    """

    def __init__(self, folder: Path) -> None:
        os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"})
        import dlt

        shutil.rmtree(folder, ignore_errors=True)
        self._dlt = dlt
        self.pipeline = dlt.pipeline(
            "bench_dlt",
            pipelines_dir=str(folder),
            destination=dlt.destinations.postgres(_credentials()),
            dataset_name="bench_dlt",
        )

    def run(self, url: str) -> None:
        resource = self._dlt.resource(
            lambda: (_record(raw) for page in fetched(url) for raw in page),
            name="orders",
            primary_key="number",
            write_disposition="merge",
        )
        self.pipeline.run(resource).raise_on_failed_jobs()

    def empty(self) -> None:
        with self.pipeline.sql_client() as client:
            client.execute_sql("TRUNCATE orders, orders__lines, orders__addresses, orders__history")

    def count(self) -> tuple[int, int]:
        with self.pipeline.sql_client() as client:
            found = client.execute_sql("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM orders__lines)")
        return tuple(found[0])  # type: ignore[return-value]


def _record(raw: Raw) -> Raw:
    """The order with what belongs to it, as dlt's users write it: nested lists become tables."""
    address = raw["ship_to"]
    return {
        **{name: value for name, value in raw.items() if name not in ("ship_to", "shipments")},
        "addresses": [{"kind": "billing", **address}, {"kind": "shipping", **address}],
        "history": [{"code": "order.received", "message": "Received", "happened_at": raw["placed_at"]}],
    }


def _credentials() -> Any:
    """The bench database's owner. A socket's folder can't stand in the address itself, so it is a parameter of it."""
    from dlt.destinations.impl.postgres.configuration import PostgresCredentials
    from psycopg.conninfo import conninfo_to_dict

    given = conninfo_to_dict(owner_url())
    credentials = PostgresCredentials()
    credentials.drivername = "postgresql"
    credentials.host, credentials.port = "localhost", int(given.get("port") or 5432)
    credentials.query = {"host": str(given["host"])}
    credentials.username, credentials.database = str(given["user"]), str(given["dbname"])
    credentials.password = str(given.get("password") or "none")  # not asked for on a socket
    return credentials
