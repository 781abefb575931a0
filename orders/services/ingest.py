"""A page of orders into the tables, in a handful of statements and one transaction.

What is new goes in by whole tables; what changed is updated in its remote-owned columns alone and
then decided about by `apply`; what could not be read becomes a visible row and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channable.core.exact_json import clean, clean_text
from connections.connectors import MarketplaceConnector
from connections.connectors.errors import DataError
from connections.connectors.types import JSON, AddressData, ItemData, OrderData, RemoteStatus
from connections.dispatch import Run
from connections.models import OrderConnection, OutboxMessage, OutboxStatus, RefusedRecord
from connections.outbox import is_late
from orders.models import Actor, Address, AddressKind, EventLevel, ItemPart, Order, OrderEvent, OrderItem, OrderPayload
from orders.references import order_reference
from orders.rows import insert, next_ids
from orders.services.checks import flag_of
from orders.services.columns import address_row, item_row, personal, remote_owned
from orders.services.events import Cause
from orders.services.update import take_over
from orders.services.work import CREATE_ORDER
from orders.states import OrderStatus, PartStatus, derive_status

OrderRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class New:
    version: str
    raw: JSON
    data: OrderData
    pair: OrderConnection


@dataclass(frozen=True, slots=True)
class Changed:
    order_id: int
    version: str
    raw: JSON
    data: OrderData


@dataclass(frozen=True, slots=True)
class Refused:
    external_id: str
    version: str
    raw: JSON
    error: DataError


@dataclass
class Batch:
    """What is to be written of one page."""

    run: Run
    connector: MarketplaceConnector
    new: list[New] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def write(self, cursor: str | None) -> None:
        """Write everything and the cursor, or nothing. Raises LeaseLost."""
        is_empty = not (self.new or self.changed or self.refused)
        if is_empty and cursor in (None, self.run.stream.cursor):
            self.run.keep()  # an idle poll leaves no trace
            return
        with self.run.transaction(cursor):
            if is_empty:
                return
            self.run.ensure_row()
            self._insert()
            for one in self.changed:
                self._update(one)
            self._refuse()
            self._resolve()

    # -- unreadable ---------------------------------------------------------------------------
    def _refuse(self) -> None:
        """Keep what could not be read, where people see it."""
        rows = [
            RefusedRecord(
                company_id=self.run.connection.company_id,
                connection=self.run.connection,
                topic=self.run.stream.topic,
                external_id=clean_text(one.external_id)[:200],
                version=one.version,
                error_code=one.error.code,
                error_detail=clean_text(one.error.detail)[:2000],
                payload=clean(one.raw),
                first_seen_at=self.run.now,
                last_seen_at=self.run.now,
            )
            for one in self.refused
        ]
        RefusedRecord.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["company", "connection", "topic", "external_id"],
            update_fields=["version", "error_code", "error_detail", "payload", "last_seen_at", "resolved_at"],
        )
        self.run.counts.refused += len(rows)

    def _resolve(self) -> None:
        """What could be read at last is no longer among the unreadable."""
        numbers = [one.data.external_id for one in self.new] + [one.data.external_id for one in self.changed]
        if numbers:
            rows = RefusedRecord.objects.filter(
                connection=self.run.connection, external_id__in=numbers, resolved_at=None
            )
            rows.update(resolved_at=self.run.now)

    # -- new orders ---------------------------------------------------------------------------
    def _insert(self) -> None:
        if not self.new:
            return
        rows = [self._order_row(pk, one) for pk, one in zip(next_ids(Order, len(self.new)), self.new, strict=True)]
        made = set(insert(Order, rows, unless_exists=["company_id", "connection_id", "external_id"]))
        pairs = [(row, one) for row, one in zip(rows, self.new, strict=True) if row["id"] in made]
        insert(Address, [row for order, one in pairs for row in _address_rows(order, one.data)])
        _insert_items(pairs)
        insert(OrderEvent, [row for order, _one in pairs for row in self._event_rows(order)])
        insert(OrderPayload, [self._payload_row(order["id"], one.raw) for order, one in pairs])
        insert(OutboxMessage, [self._message_row(order) for order, _one in pairs if _goes_to_shop(order)])
        self.run.counts.new += len(pairs)
        self.run.counts.same += len(self.new) - len(pairs)  # somebody else was quicker

    def _order_row(self, pk: int, one: New) -> dict[str, Any]:
        data, account, now = one.data, self.run.connection, self.run.now
        code, detail = flag_of(data, now)
        flags = {
            "is_confirmed": data.remote_status != RemoteStatus.UNCONFIRMED,
            "cancellation_requested": any(item.cancellation_requested for item in data.items),
            "is_manual": False,
        }
        parts = [status for item in data.items for status, _quantity in _split(item, data.remote_status)]
        return {
            "id": pk,
            "company_id": account.company_id,
            "project_id": one.pair.project_id,
            "order_connection_id": one.pair.pk,
            "connection_id": account.pk,
            "shop_id": one.pair.shop_id,
            "external_id": data.external_id,
            "remote_version": one.version,
            **remote_owned(data, self.connector.fulfilled_suffix),
            **personal(data),
            **flags,
            "is_test": False,
            "status": derive_status(parts, **flags).value,
            "error_code": code,
            "error_detail": detail,
            "error_since": now if code else None,
            "reference": order_reference(account.kind, account.account_id, data.external_id),
            "shop_order_id": "",
            "shop_number": "",
            "shop_version": "",
            "shop_status": "",
            "is_obfuscated": False,
            "retrieved_at": now,
            "created_at": now,
            "modified_at": now,
        }

    def _event_rows(self, order: OrderRow) -> list[dict[str, Any]]:
        received = self._event(order, "order.received", f"Received from {self.run.connection.kind_label}.")
        received["to_status"] = order["status"]
        if not order["error_code"]:
            return [received]
        flagged = self._event(order, order["error_code"], order["error_detail"])
        return [received, {**flagged, "level": EventLevel.ERROR.value}]

    def _event(self, order: OrderRow, code: str, message: str) -> dict[str, Any]:
        return {
            "company_id": order["company_id"],
            "order_id": order["id"],
            "level": EventLevel.INFO.value,
            "code": code,
            "message": message,
            "from_status": "",
            "to_status": "",
            "actor": Actor.MARKETPLACE.value,
            "run_id": self.run.ensure_row().pk,
            "occurred_at": order["ordered_at"],
            "recorded_at": self.run.now,
        }

    def _payload_row(self, order_id: int, raw: JSON) -> dict[str, Any]:
        return {
            "company_id": self.run.connection.company_id,
            "order_id": order_id,
            "source": "marketplace",
            "api_version": self.connector.api_version,
            "run_id": self.run.ensure_row().pk,
            "body": raw,
            "received_at": self.run.now,
        }

    def _message_row(self, order: OrderRow) -> dict[str, Any]:
        return {
            "company_id": order["company_id"],
            "connection_id": order["shop_id"],
            "kind": CREATE_ORDER,
            "subject_id": order["id"],
            "reference": order["reference"],
            "status": OutboxStatus.READY.value,
            "looks_first": is_late(order["ordered_at"], self.run.now),
            "not_before": self.run.now,
            "attempt": 0,
            "tries": 0,
            "absences": 0,
            "ticket": "",
            "remote_id": "",
            "error_code": "",
            "error_detail": "",
            "created_at": self.run.now,
        }

    # -- changed orders -----------------------------------------------------------------------
    def _update(self, one: Changed) -> None:
        """What is older than what we hold changes nothing."""
        data = one.data
        order = Order.objects.select_for_update(of=("self",)).get(pk=one.order_id)
        if order.remote_updated_at and data.remote_updated_at and data.remote_updated_at < order.remote_updated_at:
            self.run.counts.same += 1  # older than what we hold
            return
        if not order.is_obfuscated:
            insert(OrderPayload, [self._payload_row(order.pk, one.raw)])
        occurred_at = data.remote_updated_at or self.run.now
        cause = Cause(Actor.MARKETPLACE, occurred_at, self.run.now, run_id=self.run.ensure_row().pk)
        take_over(order, data, version=one.version, suffix=self.connector.fulfilled_suffix, cause=cause)
        self.run.counts.changed += 1


def _addresses(data: OrderData) -> list[tuple[AddressKind, AddressData]]:
    return [(AddressKind.BILLING, data.billing), (AddressKind.SHIPPING, data.shipping_address)]


def _address_rows(order: OrderRow, data: OrderData) -> list[dict[str, Any]]:
    keys = {"company_id": order["company_id"], "order_id": order["id"]}
    return [{**keys, "kind": kind.value, **address_row(address)} for kind, address in _addresses(data)]


def _insert_items(orders: list[tuple[dict[str, Any], New]]) -> None:
    lines = [(order, item, one.data) for order, one in orders for item in one.data.items]
    items, parts = [], []
    for pk, (order, item, data) in zip(next_ids(OrderItem, len(lines)), lines, strict=True):
        keys = {"company_id": order["company_id"], "order_id": order["id"]}
        items.append({"id": pk, **keys, **item_row(item)})
        for status, quantity in _split(item, data.remote_status):
            parts.append({**keys, "item_id": pk, "quantity": quantity, "status": status.value, "former_status": ""})
    insert(OrderItem, items)
    insert(ItemPart, parts)


def _split(item: ItemData, remote: RemoteStatus) -> list[tuple[PartStatus, int]]:
    """The parts of a line as the marketplace first tells it."""
    shipped = min(item.quantity_shipped, item.quantity)
    cancelled = min(item.quantity_cancelled, item.quantity - shipped)
    closed = {RemoteStatus.SHIPPED: PartStatus.SHIPPED, RemoteStatus.CANCELLED: PartStatus.CANCELLED}
    rest = item.quantity - shipped - cancelled
    parts = (
        (PartStatus.SHIPPED, shipped),
        (PartStatus.CANCELLED, cancelled),
        (closed.get(remote, PartStatus.OPEN), rest),
    )
    return [(status, quantity) for status, quantity in parts if quantity]


def _goes_to_shop(order: OrderRow) -> bool:
    return bool(order["is_confirmed"]) and order["status"] not in (OrderStatus.SHIPPED, OrderStatus.CANCELLED)
