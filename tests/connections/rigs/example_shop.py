from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connections.connectors.types import ShopState
from tests.example.shop import ExampleShopConnector
from tests.example.simulator import ExampleShop

from .base import Subject
from .sides import PlatformRig


class TheRig(PlatformRig):
    connector = ExampleShopConnector
    stream = "updates"
    page_size = ExampleShop.page_size
    listing = r"GET /orders$"
    writes = (r"POST /orders$",)
    statuses = {"new": ShopState.OPEN, "sent": ShopState.COMPLETED, "cancelled": ShopState.CANCELLED}
    simulator: ExampleShop

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        self.simulator = ExampleShop()
        with self.simulator.served():
            yield

    def credentials(self) -> dict[str, str]:
        return {"url": self.simulator.url, "api_key": self.simulator.api_key}

    def product(self) -> str:
        return "MUG"

    def add_records(self, count: int) -> None:
        for number in range(count):
            self.simulator.add_order({"reference": f"R-{number}", "tracking_code": "3SABC"})

    def record_ids(self) -> list[str]:
        return list(self.simulator.orders)

    def with_status(self, raw: Any, status: str) -> Any:
        return copy.deepcopy(raw) | {"status": status}

    def spoil(self, external_id: str) -> None:
        self.simulator.orders[external_id]["status"] = None

    def effects(self, subject: Subject, key: str) -> int:
        return sum(effect.reference == key for effect in self.simulator.effects("create_order"))

    def whole(self, subject: Subject, key: str) -> bool:
        (effect,) = [effect for effect in self.simulator.effects("create_order") if effect.reference == key]
        return Decimal(effect.data["total"]) == subject.data.total
