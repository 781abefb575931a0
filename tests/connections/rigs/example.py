from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from connections.connectors.types import RemoteStatus
from tests.example.connector import ExampleConnector
from tests.example.simulator import ExampleMarket

from .base import Subject
from .sides import MarketplaceRig


class TheRig(MarketplaceRig):
    connector = ExampleConnector
    stream = "orders"
    page_size = ExampleMarket.page_size
    listing = r"GET /orders$"
    writes = (r"POST .*/shipments$",)
    reports = r"POST .*/returns$"
    statuses = {
        "reserved": RemoteStatus.UNCONFIRMED,
        "open": RemoteStatus.OPEN,
        "shipped": RemoteStatus.SHIPPED,
        "cancelled": RemoteStatus.CANCELLED,
    }
    simulator: ExampleMarket

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        self.simulator = ExampleMarket()
        with self.simulator.served():
            yield

    def credentials(self) -> dict[str, str]:
        return {"url": self.simulator.url, "api_key": self.simulator.api_key}

    def add_records(self, count: int) -> None:
        for _ in range(count):
            self.new_order()

    def record_ids(self) -> list[str]:
        return list(self.simulator.orders)

    def with_status(self, raw: Any, status: str) -> Any:
        return copy.deepcopy(raw) | {"status": status}

    def spoil(self, external_id: str) -> None:
        self.simulator.orders[external_id]["status"] = None

    def new_order(self) -> str:
        return self.simulator.add_order()

    def effects(self, subject: Subject, key: str) -> int:
        return sum(effect.reference == key for effect in self.simulator.effects("ship"))

    def whole(self, subject: Subject, key: str) -> bool:
        (effect,) = [effect for effect in self.simulator.effects("ship") if effect.reference == key]
        sent = [(item.item_id, item.quantity) for item in subject.data.items]
        return [(line["id"], line["quantity"]) for line in effect.data["lines"]] == sent

    def reported(self, order_ref: str, key: str) -> int:
        found = [effect for effect in self.simulator.effects("report_return") if effect.reference == key]
        assert {effect.subject for effect in found} <= {order_ref}
        return len(found)
