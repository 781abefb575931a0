from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from connections.connectors.bol.connector import BolConnector
from connections.connectors.types import RemoteStatus
from tests.simulators.bol import BolSimulator

from .base import Subject
from .sides import MarketplaceRig


class TheRig(MarketplaceRig):
    """bol tells no status of an order, only how many pieces of each item are shipped and cancelled; the
    code that may be unknown is who ships them. Exchanges are checked against its description where that
    is at hand."""

    connector = BolConnector
    stream = "orders:FBR"
    page_size = BolSimulator.page_size
    listing = r"GET /retailer/orders$"
    writes = (r"POST /retailer/shipments$",)
    cancels = r"PUT /retailer/orders/cancellation$"
    invoices = r"POST /retailer/shipments/invoices/"
    returns_stream = "returns:FBR"
    returns_listing = r"GET /retailer/returns$"
    decides = r"PUT /retailer/returns/"
    unknown_ticket = "404404"
    statuses = {"open": RemoteStatus.OPEN, "shipped": RemoteStatus.SHIPPED, "cancelled": RemoteStatus.CANCELLED}
    simulator: BolSimulator

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        self.simulator = BolSimulator()
        with self.simulator.served():
            yield
        if self.simulator.validator is not None:
            self.simulator.validator.assert_clean()  # type: ignore[attr-defined]

    def credentials(self) -> dict[str, str]:
        return {"client_id": self.simulator.client_id, "client_secret": self.simulator.client_secret}

    def settings(self) -> dict[str, str]:
        return self.simulator.settings

    def add_records(self, count: int) -> None:
        for _ in range(count):
            self.new_order()

    def record_ids(self) -> list[str]:
        return list(self.simulator.orders)

    def with_status(self, raw: Any, status: str) -> Any:
        changed = copy.deepcopy(raw)
        for item in changed["orderItems"]:
            if status in self.statuses:
                item["quantityShipped"] = item["quantity"] if status == "shipped" else 0
                item["quantityCancelled"] = item["quantity"] if status == "cancelled" else 0
            else:
                item["fulfilment"]["method"] = status
        return changed

    def spoil(self, external_id: str) -> None:
        self.simulator.poison(external_id, lambda order: order.update(orderItems="none"))

    def new_order(self) -> str:
        return self.simulator.add_order(quantity=2, unit_price="19.99")

    def effects(self, subject: Subject, key: str) -> int:
        return sum(effect.reference == key for effect in self.simulator.effects("ship"))

    def whole(self, subject: Subject, key: str) -> bool:
        (effect,) = [effect for effect in self.simulator.effects("ship") if effect.reference == key]
        sent = [(item.item_id, item.quantity) for item in subject.data.items]
        return [(one["orderItemId"], one["quantity"]) for one in effect.data["orderItems"]] == sent

    def cancelled(self, subject: Subject) -> int:
        return sum(effect.subject == subject.order_ref for effect in self.simulator.effects("cancel"))

    def invoiced(self, key: str) -> int:
        return sum(effect.reference == key for effect in self.simulator.effects("invoice"))

    def add_label(self, order_ref: str) -> str:
        return self.simulator.ship_with_label(order_ref)

    def add_return(self) -> tuple[str, str]:
        order_ref = self.new_order()
        return order_ref, self.simulator.add_return(order_ref)

    def accept_by_hand(self, return_id: str) -> None:
        self.simulator.handle_return_by_hand(return_id)

    def spoil_return(self, return_id: str) -> None:
        self.simulator.poison(return_id, lambda raw: raw.update(returnItems="none"))

    def decided(self, return_id: str) -> int:
        return sum(effect.data["return"] == return_id for effect in self.simulator.effects("handle_return"))
