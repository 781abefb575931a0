"""The simulated bol account with buyers, for the demo."""

from __future__ import annotations

import json
import random
import time
from decimal import Decimal
from typing import Any

from . import assortment
from .base import Request, Response, route
from .bol import BolSimulator, Order

TITLES = {product.sku: product.title for product in (*assortment.PRODUCTS, assortment.UNKNOWN)}


class DemoMarketplace(BolSimulator):
    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.validator = None  # one order is broken on purpose
        self._chance = chance
        self.placed = 0
        self.unreadable: set[str] = set()
        # Numbers begin at the time, so that an account begun anew repeats none of its last life.
        self._last = int(time.time()) % 1_000_000_000

    # -- buyers -----------------------------------------------------------------------------------
    def buy(self, products: list[tuple[assortment.Product, int]] | None = None) -> str:
        """Somebody places an order; returns its number."""
        with self.lock:
            self.placed += 1
        chosen = products or assortment.basket(self._chance)
        lines = [(product.sku, quantity, f"{product.price}") for product, quantity in chosen]
        return self.add_order(lines=lines, **assortment.customer(self._chance))

    def buy_unknown(self) -> str:
        return self.buy([(assortment.UNKNOWN, 1)])

    def buy_unreadable(self) -> str:
        order_id = self.buy()
        self.unreadable.add(order_id)
        return order_id

    def ask_cancellation(self) -> str:
        """One buyer of an open order asks to cancel it; "" if there is none."""
        with self.lock:
            open_ones = [o.id for o in self.orders.values() if is_open(o) and not o.items[0].cancellation_requested]
        if not open_ones:
            return ""
        order_id = self._chance.choice(open_ones)
        self.request_cancellation(order_id)
        return order_id

    def send_back(self) -> str:
        """One buyer registers the return of an order that was shipped; "" if there is none."""
        with self.lock:
            back = {item.order.id for made in self.returns.values() for item in made.items}
            shipped = [o.id for o in self.orders.values() if status(o) == "shipped" and o.id not in back]
        return self.add_return(self._chance.choice(shipped), line=0) if shipped else ""

    # -- answering --------------------------------------------------------------------------------
    @route("GET", "/retailer/orders/(?P<order_id>[^/]+)")
    def get_order(self, request: Request, order_id: str) -> Response:
        """With the products' names; the unreadable order lacks a quantity."""
        response = super().get_order(request, order_id)
        if response.status != 200:
            return response
        body = json.loads(response.body, parse_float=Decimal)
        for item in body["orderItems"]:
            item["product"]["title"] = TITLES.get(item["offer"]["reference"], "")
            if order_id in self.unreadable:
                del item["quantity"]
        return Response.of(body, content_type=response.headers["Content-Type"])

    # -- for page and driver ----------------------------------------------------------------------
    def open_count(self) -> int:
        with self.lock:
            return sum(is_open(order) for order in self.orders.values())

    def newest(self, count: int) -> list[dict[str, Any]]:
        with self.lock:
            orders = list(self.orders.values())[-count:][::-1]
            return [{"id": o.id, "status": status(o), "customer": _customer(o)} for o in orders]

    def forget_old_orders(self, keep: int) -> None:
        with self.lock:
            closed = [order.id for order in self.orders.values() if not is_open(order)]
            for order_id in closed[:-keep]:
                del self.orders[order_id]
            kept = {return_id: one for return_id, one in self.returns.items() if one.items[0].order.id in self.orders}
            self.returns = kept
            del self.shipments[:-keep]
            for process_id in list(self.processes)[:-keep]:
                del self.processes[process_id]


def is_open(order: Order) -> bool:
    return any(item.open for item in order.items)


def status(order: Order) -> str:
    if not is_open(order):
        return "shipped" if any(item.shipped for item in order.items) else "cancelled"
    if any(item.cancellation_requested for item in order.items):
        return "open, the buyer asks to cancel"
    return "open"


def _customer(order: Order) -> str:
    return f"{order.details['firstName']} {order.details['surname']}, {order.details['city']}"
