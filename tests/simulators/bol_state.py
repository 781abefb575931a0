"""What a seller account at bol holds: its orders, shipments and writes in flight, and what people do there."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from .base import Simulator, Validator

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
Line = tuple[str, int, str]  # sku ("" for an offer without a reference), quantity, unit price


@dataclass
class Item:
    id: str
    sku: str
    ean: str
    quantity: int
    unit_price: Decimal
    method: str
    party: str = "RETAILER"  # BOL: shipped with a label of bol's own programme (VVB), or by bol itself
    discount: Decimal = Decimal(0)
    shipped: int = 0
    cancelled: int = 0
    cancellation_requested: bool = False
    changed_at: datetime = field(default_factory=lambda: datetime.now(AMSTERDAM))

    @property
    def open(self) -> int:
        return self.quantity - self.shipped - self.cancelled


@dataclass
class Order:
    id: str
    placed_at: datetime
    items: list[Item]
    details: dict[str, Any]


@dataclass
class Process:
    """An asynchronous write: decided when it is asked for `polls` times."""

    id: str
    entity_id: str
    event_type: str
    made_at: datetime
    execute: Callable[[], str]  # does it; returns why it failed, or ""
    polls: int
    status: str = "PENDING"
    error: str = ""


class SellerAccount(Simulator):
    name = "bol"

    def __init__(self, validator: Validator | None = None) -> None:
        super().__init__(validator)
        self.client_id, self.client_secret = secrets.token_hex(8), secrets.token_hex(16)
        self.retailer_id = str(10_000_000 + secrets.randbelow(9_000_000))
        self.polls = 1  # how often a process status is PENDING before it is decided
        self.orders: dict[str, Order] = {}
        self.shipments: list[dict[str, Any]] = []  # id, order, body as it was sent, at
        self.processes: dict[str, Process] = {}
        self.labels: dict[str, bytes] = {}  # by their ids, as PDF
        self.invoice_requests: list[dict[str, Any]] = []  # shipment_id, order_id, steps [(status, at)]
        self._fail_next: list[str] = []
        self._time_out_next: list[bool] = []  # whether it is executed all the same
        self._poison: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self._last = secrets.randbelow(10**6) * 1000

    def _id(self) -> str:
        with self.lock:
            self._last += 1
            return str(1_000_000_000 + self._last)

    def _now(self) -> datetime:
        return self.now().astimezone(AMSTERDAM)

    # -- buyers -------------------------------------------------------------------------------------
    def add_order(
        self,
        sku: str = "MUG",
        quantity: int = 1,
        unit_price: str = "20.00",
        *,
        lines: Sequence[Line] = (),
        country: str = "NL",
        fulfilment: str = "FBR",
        party: str = "",
        order_id: str = "",
        placed_at: datetime | None = None,
        **details: Any,
    ) -> str:
        """A buyer places an order; returns its number. `details` are fields of the addresses."""
        party = party or ("BOL" if fulfilment == "FBB" else "RETAILER")
        items = [
            Item(self._id(), sku, f"87{index:011d}", count, Decimal(price), fulfilment, party, changed_at=self._now())
            for index, (sku, count, price) in enumerate(lines or [(sku, quantity, unit_price)])
        ]
        order = Order(order_id or self._id(), placed_at or self._now(), items, _details(country, details))
        with self.lock:
            self.orders[order.id] = order
        return order.id

    def request_cancellation(self, order_id: str, *, withdrawn: bool = False) -> None:
        """The buyer asks to cancel, or no longer does."""
        with self.lock:
            for item in self.orders[order_id].items:
                item.cancellation_requested = not withdrawn
                item.changed_at = self._now()

    # -- the seller, in the account's own pages -------------------------------------------------------
    def ship_by_hand(self, order_id: str, *, line: int | None = None) -> None:
        """Everything that is open, or one line of it."""
        order = self.orders[order_id]
        with self.lock:
            items = [item for item in order.items[slice(line, line + 1 if line is not None else None)] if item.open]
            body = {"orderItems": [{"orderItemId": item.id, "quantity": item.open} for item in items]}
            for item in items:
                item.shipped += item.open
                item.changed_at = self._now()
            self._add_shipment(order, body)

    def ship_with_label(self, order_id: str, *, line: int | None = None) -> str:
        """Buy one of bol's labels for what is open, and ship with it; the label's id."""
        label_id = secrets.token_hex(16)
        self.labels[label_id] = b"%PDF-1.4\n% label " + label_id.encode() + b"\n%%EOF\n"
        self.ship_by_hand(order_id, line=line)
        self.shipments[-1]["body"]["shippingLabelId"] = label_id
        return label_id

    def request_invoice(self, shipment_id: str) -> None:
        """The buyer asks for an invoice of a shipment."""
        order = next(one["order"] for one in self.shipments if one["id"] == shipment_id)
        steps = [("INVOICE_REQUESTED", self._now())]
        self.invoice_requests.append({"shipment_id": shipment_id, "order_id": order.id, "steps": steps})

    def cancel_by_hand(self, order_id: str, *, line: int | None = None) -> None:
        with self.lock:
            for item in self.orders[order_id].items[slice(line, line + 1 if line is not None else None)]:
                item.cancelled += item.open
                item.changed_at = self._now()

    def _add_shipment(self, order: Order, body: dict[str, Any]) -> None:
        self.shipments.append({"id": self._id(), "order": order, "body": body, "at": self._now()})

    # -- mischief -------------------------------------------------------------------------------------
    def poison(self, number: str, mutate: Callable[[dict[str, Any]], Any]) -> None:
        """From now on the order's own answer, or whatever tells of the return, holds what `mutate` makes of it."""
        self._poison[number] = mutate

    def heal(self) -> None:
        super().heal()
        self._poison.clear()

    def fail_next_process(self, message: str = "Order item is not open") -> None:
        """The next write is accepted, and fails in its process status."""
        self._fail_next.append(message)

    def time_out_next_process(self, *, executes: bool = True) -> None:
        """The next write's process status says TIMEOUT, whether it is executed or not."""
        self._time_out_next.append(executes)

    def forget_processes(self) -> None:
        """Statuses are kept only for a limited time; what is pending is executed."""
        with self.lock:
            for process in list(self.processes.values()):
                self._decide(process)
            self.processes.clear()

    def _decide(self, process: Process) -> None:
        if process.status != "PENDING":
            return
        if self._fail_next:
            process.status, process.error = "FAILURE", self._fail_next.pop(0)
        elif self._time_out_next:
            process.status = "TIMEOUT"
            if self._time_out_next.pop(0):
                process.execute()
        else:
            process.error = process.execute()
            process.status = "FAILURE" if process.error else "SUCCESS"


def _details(country: str, details: dict[str, Any]) -> dict[str, Any]:
    address = {
        "salutation": "FEMALE", "firstName": "Ada", "surname": "de Vries", "streetName": "Dorpsstraat",
        "houseNumber": "1", "zipCode": "1234 AB", "city": "Utrecht", "countryCode": country,
        "email": "relay@verkopen.example.com",
    }  # fmt: skip
    return address | details
