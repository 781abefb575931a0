from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from connections.connectors.types import ShopState
from connections.connectors.vendure.connector import VendureConnector
from tests.simulators.base import Request
from tests.simulators.proxy import Proxy
from tests.vendure.peer import VendurePeer

from .base import Subject
from .sides import PlatformRig

FIELD = re.compile(r"\{\s*(\w+)")


class GraphqlProxy(Proxy):
    """One path for everything, so faults are planned by the first field asked for."""

    def line(self, request: Request) -> str:
        return f"{request.method} {FIELD.search(json.loads(request.body)['query'])[1]}"


class TheRig(PlatformRig):
    """A real Vendure behind a proxy. It keeps what other tests made, and nobody moves its clock."""

    connector = VendureConnector
    marks = (pytest.mark.xdist_group("vendure"),)
    stream = "updates"
    page_size = 2
    listing = r"POST orders$"
    tells = r"addNoteToOrder$"
    refunds = (r"refundOrder$", r"cancelOrder$", r"settleRefund$")
    writes = (r"createDraftOrder$", r"addManualPaymentToOrder$")  # the others: connections/vendure
    statuses = {
        "Draft": ShopState.OPEN,
        "ArrangingPayment": ShopState.OPEN,
        "PaymentAuthorized": ShopState.OPEN,
        "PaymentSettled": ShopState.OPEN,
        "Modifying": ShopState.OPEN,
        "ArrangingAdditionalPayment": ShopState.OPEN,
        "PartiallyShipped": ShopState.OPEN,
        "PartiallyDelivered": ShopState.OPEN,
        "Shipped": ShopState.COMPLETED,
        "Delivered": ShopState.COMPLETED,
        "Cancelled": ShopState.CANCELLED,
    }
    has_clock = False
    patience_seconds = 2.0
    simulator: GraphqlProxy

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        self.peer: VendurePeer = self.pytest_request.getfixturevalue("vendure")
        self.simulator = GraphqlProxy(self.peer.url.removesuffix("/admin-api"))
        with self.simulator.served():
            yield

    def connect(self, *args: Any, **options: Any) -> VendureConnector:
        connector: VendureConnector = super().connect(*args, **options)
        connector.page_size = self.page_size
        return connector

    def credentials(self) -> dict[str, str]:
        peer = self.peer
        return {"url": self.simulator.url, "username": peer.username, "password": peer.password}

    def product(self) -> str:
        return self.peer.add_product(price=10)

    def add_records(self, count: int) -> None:
        for _ in range(count):
            self.send(self.connect(), self.new_subject(), self.new_key())

    def record_ids(self) -> list[str]:
        return [one["id"] for one in self.peer.orders() if one["state"] not in {"Draft", "ArrangingPayment"}]

    def with_status(self, raw: Any, status: str) -> Any:
        return copy.deepcopy(raw) | {"state": status, "fulfillments": []}

    def refunded(self, order_id: str, key: str) -> int:
        made = [one for payment in self.peer.order(order_id)["payments"] for one in payment["refunds"]]
        return sum(f"[Reference: {key}]" in (one["reason"] or "") for one in made)

    def effects(self, subject: Subject, key: str) -> int:
        return len(self.peer.paid_with(key))

    def whole(self, subject: Subject, key: str) -> bool:
        (order,) = self.peer.paid_with(key)
        return order["totalWithTax"] == subject.data.total * 100 and order["state"] == "PaymentSettled"
