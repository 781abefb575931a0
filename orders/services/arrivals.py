"""The rows of orders that are seen for the first time, made and written for whole pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connections.connectors import MarketplaceConnector
from connections.connectors.types import JSON, ItemData, OrderData, RemoteStatus
from connections.dispatch import Run
from connections.models import Connection, OrderConnection, OutboxMessage, OutboxStatus
from connections.outbox import is_late
from orders.models import Actor, Address, AddressKind, EventLevel, ItemPart, Order, OrderEvent, OrderItem, OrderPayload
from orders.references import order_reference
from orders.rows import insert, next_ids
from orders.services.checks import flag_of
from orders.services.columns import address_row, item_row, personal, remote_owned
from orders.services.work import CREATE_ORDER
from orders.states import OrderStatus, PartStatus, derive_status

Row = dict[str, Any]
OrderRow = Mapping[str, Any]
Pairs = Sequence[tuple[Row, "New"]]

UNIQUE = ("company_id", "connection_id", "external_id")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from, and when that was read."""

    account: Connection
    now: datetime
    api_version: str
    run_id: int | None  # None: not read by a sync

    @classmethod
    def of_run(cls, run: Run, connector: MarketplaceConnector) -> Origin:
        return cls(run.connection, run.now, connector.api_version, run.ensure_row().pk)


@dataclass(frozen=True, slots=True)
class New:
    version: str
    raw: JSON
    data: OrderData
    pair: OrderConnection


def insert_new(run: Run, connector: MarketplaceConnector, new: Sequence[New]) -> int:
    """Write orders with all that belongs to them, inside the run's transaction. Returns how many; those
    that somebody else has written meanwhile are passed over."""
    return len(Arrival(Origin.of_run(run, connector), connector.fulfilled_suffix).insert(new)) if new else 0


def insert_payloads(origin: Origin, payloads: Sequence[tuple[int, JSON]]) -> None:
    """Keep what a marketplace sent, by the ids of the orders."""
    common = {
        "company_id": origin.account.company_id,
        "source": "marketplace",
        "api_version": origin.api_version,
        "run_id": origin.run_id,
        "received_at": origin.now,
    }
    insert(OrderPayload, [{"order_id": order_id, "body": raw} for order_id, raw in payloads], common)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A page's new orders: a statement for each table. `is_test`: made here, and of no marketplace."""

    origin: Origin
    suffix: str
    is_test: bool = False

    def insert(self, new: Sequence[New]) -> Pairs:
        orders = [self.order(pk, one) for pk, one in zip(next_ids(Order, len(new)), new, strict=True)]
        made = set(insert(Order, orders, self._company | self._common(), unless_exists=UNIQUE))
        pairs = [(order, one) for order, one in zip(orders, new, strict=True) if order["id"] in made]
        self._insert_contents(pairs)
        self._insert_history(pairs)
        messages = [self._message(order) for order, _one in pairs if _goes_to_shop(order)]
        insert(OutboxMessage, messages, self._company | _of_message(self.origin.now))
        return pairs

    @property
    def _company(self) -> Row:
        return {"company_id": self.origin.account.company_id}

    def _insert_contents(self, pairs: Pairs) -> None:
        insert(Address, [row for order, one in pairs for row in _addresses(order["id"], one.data)], self._company)
        lines = [(order["id"], item, one.data.remote_status) for order, one in pairs for item in one.data.items]
        items, parts = [], []
        for pk, (order_id, item, remote) in zip(next_ids(OrderItem, len(lines)), lines, strict=True):
            items.append({"id": pk, "order_id": order_id, **item_row(item)})
            for status, quantity in _split(item, remote):
                parts.append({"order_id": order_id, "item_id": pk, "quantity": quantity, "status": status.value})
        insert(OrderItem, items, self._company)
        insert(ItemPart, parts, {**self._company, "former_status": ""})

    def _insert_history(self, pairs: Pairs) -> None:
        origin = self.origin
        actor = Actor.SYSTEM if self.is_test else Actor.MARKETPLACE
        of_event = {"run_id": origin.run_id, "from_status": "", "actor": actor.value, "recorded_at": origin.now}
        rows = [row for order, _one in pairs for row in self._events(order)]
        insert(OrderEvent, rows, self._company | of_event)
        if not self.is_test:
            insert_payloads(origin, [(order["id"], one.raw) for order, one in pairs])

    def order(self, pk: int, one: New) -> Row:
        data, account, now = one.data, self.origin.account, self.origin.now
        code, detail = flag_of(data, now)
        flags = {
            "is_confirmed": data.remote_status != RemoteStatus.UNCONFIRMED,
            "cancellation_requested": any(item.cancellation_requested for item in data.items),
        }
        parts = [status for item in data.items for status, _quantity in _split(item, data.remote_status)]
        return {
            "id": pk,
            "project_id": one.pair.project_id,
            "order_connection_id": one.pair.pk,
            "shop_id": one.pair.shop_id,
            "external_id": data.external_id,
            "remote_version": one.version,
            **remote_owned(data, self.suffix),
            **personal(data),
            **flags,
            "status": derive_status(parts, **flags).value,
            "error_code": code,
            "error_detail": detail,
            "error_since": now if code else None,
            "reference": order_reference(account.kind, account.account_id, data.external_id),
        }

    def _common(self) -> Row:
        empty = dict.fromkeys(("shop_order_id", "shop_number", "shop_version", "shop_status"), "")
        moments = dict.fromkeys(("retrieved_at", "created_at", "modified_at"), self.origin.now)
        flags = {"is_manual": False, "is_obfuscated": False, "is_test": self.is_test}
        return {"connection_id": self.origin.account.pk, **flags, **empty, **moments}

    def _events(self, order: OrderRow) -> list[Row]:
        row = {"order_id": order["id"], "occurred_at": order["ordered_at"]}
        marketplace = self.origin.account.kind_label
        received = {
            **row,
            "level": EventLevel.INFO.value,
            "code": "order.test" if self.is_test else "order.received",
            "message": f"A test order; {marketplace} knows nothing of it."
            if self.is_test
            else f"Received from {marketplace}.",
            "to_status": order["status"],
        }
        if not order["error_code"]:
            return [received]
        flagged = {"level": EventLevel.ERROR.value, "code": order["error_code"], "message": order["error_detail"]}
        return [received, {**row, **flagged, "to_status": ""}]

    def _message(self, order: OrderRow) -> Row:
        return {
            "connection_id": order["shop_id"],
            "subject_id": order["id"],
            "reference": order["reference"],
            "looks_first": is_late(order["ordered_at"], self.origin.now),
        }


def _of_message(now: datetime) -> Row:
    empty = dict.fromkeys(("ticket", "remote_id", "error_code", "error_detail"), "")
    none = dict.fromkeys(("attempt", "tries", "absences"), 0)
    return {
        "kind": CREATE_ORDER,
        "status": OutboxStatus.READY.value,
        **empty,
        **none,
        "not_before": now,
        "created_at": now,
    }


def _addresses(order_id: int, data: OrderData) -> list[Row]:
    sides = ((AddressKind.BILLING, data.billing), (AddressKind.SHIPPING, data.shipping_address))
    return [{"order_id": order_id, "kind": kind.value, **address_row(address)} for kind, address in sides]


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
