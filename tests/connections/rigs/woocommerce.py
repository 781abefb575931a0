from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connections.connectors.types import ShopState
from connections.connectors.woocommerce.client import PER_PAGE
from connections.connectors.woocommerce.connector import WooCommerceConnector
from tests.simulators.validation import specs_available
from tests.simulators.woocommerce import WooCommerceSimulator
from tests.simulators.woocommerce_description import WooCommerceDescription

from .base import Subject
from .sides import PlatformRig


class TheRig(PlatformRig):
    """Its exchanges are checked against the vendor's description where that is at hand."""

    connector = WooCommerceConnector
    stream = "updates"
    page_size = PER_PAGE
    listing = r"GET .*/orders$"
    writes = (r"POST .*/orders$",)
    tells = r"POST .*/notes$"
    refunds = (r"POST .*/refunds$",)
    statuses = {
        "pending": ShopState.OPEN,
        "processing": ShopState.OPEN,
        "on-hold": ShopState.OPEN,
        "checkout-draft": ShopState.OPEN,
        "completed": ShopState.COMPLETED,
        "cancelled": ShopState.CANCELLED,
        "refunded": ShopState.CANCELLED,
        "failed": ShopState.CANCELLED,
        "trash": ShopState.CANCELLED,
    }
    invents_statuses = "plugins add statuses for stops on the way; settings name those that mean more"
    simulator: WooCommerceSimulator

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        validator = WooCommerceDescription() if specs_available("woocommerce") else None
        self.simulator = WooCommerceSimulator(validator)
        with self.simulator.served():
            self.simulator.add_product("MUG", "20.00")
            yield
        if validator is not None:
            validator.assert_clean()

    def credentials(self) -> dict[str, str]:
        shop = self.simulator
        return {"shop_url": shop.url, "consumer_key": shop.key, "consumer_secret": shop.secret}

    def product(self) -> str:
        return "MUG"

    def add_records(self, count: int) -> None:
        line = {"sku": "MUG", "quantity": 2, "meta_data": [{"key": "_channable_product_id", "value": "MUG"}]}
        for number in range(count):
            order = self.simulator._new_order({"line_items": [line], "transaction_id": f"R-{number}"})
            order["status"] = "processing"
            with self.simulator.lock:
                self.simulator.orders[str(order["id"])] = order
        if count == 1:
            self.simulator.partial_fulfil(str(order["id"]), {"MUG": 1}, "3SABC")
            self.simulator.refund_by_hand(str(order["id"]), "MUG", 1)

    def record_ids(self) -> list[str]:
        return list(self.simulator.orders)

    def with_status(self, raw: Any, status: str) -> Any:
        changed = copy.deepcopy(raw) | {"fulfillments": [], "trackings": []}
        changed["order"]["status"] = status
        return changed

    def spoil(self, external_id: str) -> None:
        self.simulator.poison(external_id, lambda order: order | {"status": None})

    def refunded(self, order_id: str, key: str) -> int:
        return sum(f"[Reference: {key}]" in one["reason"] for one in self.simulator.refunds.get(order_id, ()))

    def effects(self, subject: Subject, key: str) -> int:
        return sum(effect.reference == key for effect in self.simulator.effects("create_order"))

    def whole(self, subject: Subject, key: str) -> bool:
        (order,) = [order for order in self.simulator.orders.values() if order["transaction_id"] == key]
        return Decimal(order["total"]) == subject.data.total and order["status"] == "processing"
