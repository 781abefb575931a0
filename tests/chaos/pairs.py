"""A marketplace and a shop with what people do there, and what both have in their books.

Which order of the shop belongs to which of the marketplace is told by its total, which is unlike any
other's: never by a reference of ours, for that may be what is wrong.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.chaos.remotes import Market, Shop
from tests.simulators.bol import BolSimulator
from tests.simulators.woocommerce import WooCommerceSimulator


class Pair:
    """`placed`: the marketplace's number and when (time.monotonic) the buyer placed it."""

    market: Any
    shop: Any

    def __init__(self, number: int) -> None:
        self.number = number
        self.placed: dict[str, float] = {}
        self.arrived: dict[str, float] = {}  # first seen in the shop's books
        self.closed: dict[str, float] = {}  # first seen in the marketplace's books
        self.settings: dict[str, Any] = {}  # of the order connection
        self._by_total: dict[Decimal, str] = {}
        self._shipped: set[str] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        for remote in (self.market, self.shop):
            remote.validator = None  # tests/connections checks the exchanges; here they are too many
            remote.start()

    def stop(self) -> None:
        for remote in (self.market, self.shop):
            remote.stop()

    def set_clocks(self, now: datetime) -> None:
        for remote in (self.market, self.shop):
            remote.set_clock(now)

    # -- what people do ---------------------------------------------------------------------------
    def place(self, at: datetime | None = None) -> str:
        with self._lock:
            total = Decimal(1000 + len(self.placed)) / 100
            number = self._place(f"{total:.2f}", at)
            self.placed[number] = time.monotonic()
            self._by_total[total] = number
        return number

    def ship_what_arrived(self) -> None:
        """The merchant packs what is in the shop; a copy is packed as well."""
        for effect in self.shop.effects("create_order"):
            if effect.subject not in self._shipped:
                self._shipped.add(effect.subject)
                self._ship(effect.subject, f"3SABCD{int(effect.subject) % 10**8:08d}")

    def _place(self, total: str, at: datetime | None) -> str:
        raise NotImplementedError

    def _ship(self, shop_order_id: str, code: str) -> None:
        raise NotImplementedError

    # -- what the books say -----------------------------------------------------------------------
    def created(self) -> Counter[str]:
        """How often each order was created in the shop."""
        totals = [Decimal(str(effect.data["total"])) for effect in self.shop.effects("create_order")]
        return Counter(self._by_total.get(total, f"nobody's, {total}") for total in totals)

    def confirmed(self) -> Counter[str]:
        """How often each order was shipped at the marketplace."""
        return Counter(effect.subject for effect in self.market.effects("ship"))

    def look(self) -> None:
        """Note what is new in the books."""
        now = time.monotonic()
        for seen, counts in ((self.arrived, self.created()), (self.closed, self.confirmed())):
            for number in counts:
                seen.setdefault(number, now)

    @property
    def has_arrived(self) -> bool:
        return self.placed.keys() <= self.arrived.keys()

    @property
    def is_complete(self) -> bool:
        return self.placed.keys() <= self.closed.keys()

    @property
    def is_quiet(self) -> bool:
        """Nothing that was given up on is still being executed."""
        return not self.market.late and not self.shop.late


class ExamplePair(Pair):
    name = "Example"

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.market, self.shop = Market(), Shop()
        self.market._last = self.shop._last = 1_000_000 * (number + 1)

    def _place(self, total: str, at: datetime | None) -> str:
        number = self.market.add_order(quantity=1, unit_price=total, total=total)
        if at is not None:
            self.market.orders[number]["placed_at"] = at.isoformat()
            self.market.touch(number, at)
        return number

    def _ship(self, shop_order_id: str, code: str) -> None:
        self.shop.ship(shop_order_id, code)


class BolPair(Pair):
    """bol, whose writes are answered later, and WooCommerce, which finds nothing by its id alone."""

    name = "bol and WooCommerce"

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.market, self.shop = BolSimulator(), WooCommerceSimulator(extension=True)

    def start(self) -> None:
        super().start()
        self.shop.add_product("MUG", "20.00")

    def _place(self, total: str, at: datetime | None) -> str:
        return self.market.add_order(sku="MUG", unit_price=total, placed_at=at)

    def _ship(self, shop_order_id: str, code: str) -> None:
        self.shop.ship(shop_order_id, code)


class ChangingPair(BolPair):
    """Of three orders one is shipped, one is cancelled in the shop, and of one the buyer asks to cancel; it is
    shipped all the same, once the shop's staff was told of that."""

    SHIPPED, CANCELLED, ASKED_FOR = range(3)

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._asked: set[str] = set()

    def fate(self, number: str) -> int:
        return list(self.placed).index(number) % 3

    def ship_what_arrived(self) -> None:
        for effect in self.shop.effects("create_order"):
            number = self._by_total[Decimal(str(effect.data["total"]))]
            if effect.subject not in self._shipped:
                self._handle(effect.subject, number)

    def _handle(self, shop_order_id: str, number: str) -> None:
        fate = self.fate(number)
        if fate == self.ASKED_FOR and number not in self._asked:
            self._asked.add(number)
            self.market.request_cancellation(number)
        if fate == self.ASKED_FOR and not self.shop.notes.get(shop_order_id):
            return
        self._shipped.add(shop_order_id)
        if fate == self.CANCELLED:
            self.shop.cancel(shop_order_id)
        else:
            self._ship(shop_order_id, f"3SABCD{int(shop_order_id) % 10**8:08d}")

    def confirmed(self) -> Counter[str]:
        """How often each order was closed at the marketplace, either way."""
        return super().confirmed() + Counter(effect.subject for effect in self.market.effects("cancel"))

    def complaints(self) -> Iterator[str]:
        """What else the books of both must hold."""
        shipped = super().confirmed()
        told = Counter((effect.subject, effect.reference) for effect in self.shop.effects("note"))
        yield from (f"{note} was told {count} times" for note, count in told.items() if count > 1)
        for number in self.placed:
            if bool(shipped[number]) == (self.fate(number) == self.CANCELLED):
                yield f"order {number} was closed the wrong way"


class ReturningPair(BolPair):
    """What was shipped comes back. Of every other pair the staff refunds it in the shop, once it was told; the
    others accept all returns by a setting, and have the refund written down for them."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.refunds_by_hand = bool(number % 2)
        if not self.refunds_by_hand:
            self.settings = {"return_decision": "accepted"}
        self._returned: set[str] = set()
        self._refunded: set[str] = set()

    def ship_what_arrived(self) -> None:
        super().ship_what_arrived()
        for number in super().confirmed().keys() - self._returned:
            self._returned.add(number)
            self.market.add_return(number)
        if self.refunds_by_hand:
            self._refund()

    def _refund(self) -> None:
        for effect in self.shop.effects("create_order"):
            if effect.subject not in self._refunded and self.shop.notes.get(effect.subject):
                self._refunded.add(effect.subject)
                self.shop.refund_by_hand(effect.subject, "MUG", 1)

    def confirmed(self) -> Counter[str]:
        """How often each return was decided about at the marketplace."""
        return Counter(effect.subject for effect in self.market.effects("handle_return"))

    def complaints(self) -> Iterator[str]:
        """What else the books of both must hold."""
        shipped = super().confirmed()
        for number in self.placed:
            if shipped[number] != 1:
                yield f"order {number} was shipped {shipped[number]} times"
        refunds = Counter(effect.subject for effect in self.shop.effects("refund"))
        for effect in self.shop.effects("create_order"):
            if refunds[effect.subject] != 1:  # by whomever
                yield f"shop order {effect.subject} was refunded {refunds[effect.subject]} times"
