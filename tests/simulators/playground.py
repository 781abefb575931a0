"""The simulated marketplace and shop on one port, for the demo: below /bol and /shop.

The control routes below /_demo do what buyers and a merchant do; the page at / shows both sides with
buttons for them. State is kept in a file, so that the remotes remember what the database remembers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import assortment
from .base import Request, Response, Simulator, route
from .demo_marketplace import DemoMarketplace
from .keeper import Keeper
from .playground_page import page
from .woocommerce import WooCommerceSimulator

OPEN_IN_SHOP = {"pending", "processing", "on-hold"}
ORDERS_KEPT = 500  # closed ones beyond this are forgotten, the oldest first


class Playground(Simulator):
    name = "demo"

    def __init__(self, state: Path) -> None:
        super().__init__()
        self.chance = random.Random()
        self.bol, self.shop = DemoMarketplace(self.chance), WooCommerceSimulator(extension=True)
        self.parts: dict[str, Simulator] = {"bol": self.bol, "shop": self.shop}
        self.keeper = Keeper(state, self.parts)

    def start(self, port: int = 0) -> str:
        address = super().start(port)
        for name, part in self.parts.items():
            part.url = f"{address}/{name}"
        if not self.keeper.load():
            self._open_for_business()
        self.keeper.start()
        return address

    def stop(self) -> None:
        self.bol.forget_processes()  # what is on its way arrives; it can't be kept
        self.keeper.stop()
        super().stop()

    def _open_for_business(self) -> None:
        """Numbers begin at the time, so that remotes that begin anew repeat none of their last life."""
        self.shop._last_id = int(time.time()) % 100_000_000
        for product in assortment.PRODUCTS:
            self.shop.add_product(product.sku, f"{product.price}", stock=product.stock, name=product.title)

    # -- answering --------------------------------------------------------------------------------
    def answer(self, request: Request) -> Response:
        """Hand on to the remote that the path names, or answer ourselves."""
        first, _, rest = request.path.lstrip("/").partition("/")
        if request.method != "GET":
            self.keeper.changed.set()
        if first in self.parts:
            return self.parts[first].answer(replace(request, path=f"/{rest}"))
        return super().answer(request)

    @route("GET", "/")
    def index(self, request: Request) -> Response:
        text = page(self.bol.newest(15), self._shop_orders()[-15:][::-1])
        return Response(200, text.encode(), {"Content-Type": "text/html; charset=utf-8"})

    @route("GET", "/_demo/accounts")
    def accounts(self, request: Request) -> Response:
        """How to connect each system: what `seed_demo` reads."""
        bol = {"client_id": self.bol.client_id, "client_secret": self.bol.client_secret, **self.bol.settings}
        shop = {"shop_url": self.shop.url, "consumer_key": self.shop.key, "consumer_secret": self.shop.secret}
        offers = [("bol", "bol (simulated)", bol), ("woocommerce", "Web shop (simulated)", shop)]
        return Response.of([{"kind": kind, "label": label, "values": values} for kind, label, values in offers])

    @route("GET", "/_demo/state")
    def state(self, request: Request) -> Response:
        """What the driver decides by: how much is open, and the shop's orders as they stand."""
        numbers = {"open": self.bol.open_count(), "placed": self.bol.placed}
        return Response.of({**numbers, "shop": self._shop_orders()})

    # -- what buyers do ---------------------------------------------------------------------------
    @route("POST", "/_demo/orders")
    def place_order(self, request: Request) -> Response:
        """`what` is "usual" (also if absent), "unknown product" or "unreadable"."""
        self._forget_old_orders()
        place: dict[str, Callable[[], str]] = {
            "usual": self.bol.buy,
            "unknown product": self.bol.buy_unknown,
            "unreadable": self.bol.buy_unreadable,
        }
        what = request.form().get("what", "usual")
        return self._done(request, place[what]() if what in place else "")

    @route("POST", "/_demo/cancellation-request")
    def ask_cancellation(self, request: Request) -> Response:
        return self._done(request, self.bol.ask_cancellation())

    @route("POST", "/_demo/returns")
    def send_back(self, request: Request) -> Response:
        return self._done(request, self.bol.send_back())

    # -- what the merchant does -------------------------------------------------------------------
    @route("POST", r"/_demo/shop/(?P<order_id>\d+)/(?P<what>ship|ship-without-code|add-code|cancel)")
    def work_order(self, request: Request, order_id: str, what: str) -> Response:
        with self.shop.lock:
            order = self.shop.orders.get(order_id)
            may = order is not None and (order["status"] in OPEN_IN_SHOP or what == "add-code")
            if may:
                self._work(order_id, what)
        return self._done(request, order_id if may else "")

    def _work(self, order_id: str, what: str) -> None:
        code, provider = assortment.tracking_code(self.chance)
        match what:
            case "ship":
                self.shop.ship(order_id, code, provider)
            case "ship-without-code":
                self.shop.complete(order_id)
            case "add-code":
                self.shop.add_tracking(order_id, code, provider)
            case "cancel":
                self.shop.cancel(order_id)

    # -- details ----------------------------------------------------------------------------------
    def _shop_orders(self) -> list[dict[str, Any]]:
        with self.shop.lock:
            return [
                {
                    "id": order_id,
                    "reference": order["transaction_id"].rpartition("-")[2],  # the marketplace's number
                    "status": order["status"],
                    "is_open": order["status"] in OPEN_IN_SHOP,
                    "has_code": order_id in self.shop.trackings["extension"],
                }
                for order_id, order in self.shop.orders.items()
            ]

    def _done(self, request: Request, subject: str) -> Response:
        """A person's form goes back to the page, a program gets the id; 409 if there was nothing to do."""
        if "text/html" in request.headers.get("Accept", ""):
            return Response(303, b"", {"Location": "/"})
        return Response.of({"id": subject}, 200 if subject else 409)

    def _forget_old_orders(self) -> None:
        """A demo left alone for weeks stays as quick as on its first day."""
        with self.shop.lock:
            closed = [order_id for order_id, order in self.shop.orders.items() if order["status"] not in OPEN_IN_SHOP]
            for order_id in closed[:-ORDERS_KEPT]:
                for table in (self.shop.orders, self.shop.notes, self.shop.trackings["extension"]):
                    table.pop(order_id, None)
        self.bol.forget_old_orders(ORDERS_KEPT)
