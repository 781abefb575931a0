"""`python -m tests.simulators.demo`: buyers and a merchant, so that a newcomer sees life within a minute.

Places orders at the simulated marketplace and works the simulated shop, over HTTP. It stops buying
while many orders are open, and slows down when the first ones have shown how it goes.
"""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import requests

STEP_SECONDS = 4.0
OPEN_AT_MOST = 150
AT_ONCE = 8  # orders that come quickly, so that there is something to see
BETWEEN_ORDERS_SECONDS = 25
SEEN_FOR_SECONDS = 20  # an order stays open in the shop at least this long
SPECIAL = {4: "unknown product", 6: "unreadable"}  # after so many orders, once

# What the merchant does with an order, in a hundred; the others are left for a later step.
WORK = (("ship", 12), ("ship-without-code", 3), ("cancel", 1), ("", 84))


@dataclass
class Driver:
    """One step decides by what the simulators say, so it goes on where an earlier run ended."""

    address: str
    chance: random.Random = field(default_factory=random.Random)
    seen: dict[str, float] = field(default_factory=dict)  # shop order -> since when
    next_order_at: float = 0.0
    session: requests.Session = field(default_factory=requests.Session)

    def step(self, now: float) -> None:
        """`now` counts seconds, from whenever."""
        state = self._get("/_demo/state")
        self.buy(state, now)
        self.work(state["shop"], now)
        if state["placed"] > AT_ONCE and self.chance.random() < 0.02:
            self._post("/_demo/cancellation-request")
        if state["placed"] > AT_ONCE and self.chance.random() < 0.02:
            self._post("/_demo/returns")

    def buy(self, state: dict[str, Any], now: float) -> None:
        if state["open"] >= OPEN_AT_MOST or now < self.next_order_at:
            return
        self._post("/_demo/orders", what=SPECIAL.get(state["placed"], "usual"))
        if state["placed"] >= AT_ONCE:
            self.next_order_at = now + self.chance.uniform(0.5, 1.5) * BETWEEN_ORDERS_SECONDS

    def work(self, orders: list[dict[str, Any]], now: float) -> None:
        for order in orders:
            since = self.seen.setdefault(order["id"], now)
            if now - since < SEEN_FOR_SECONDS:
                continue
            if order["is_open"]:
                what = self.chance.choices([w for w, _ in WORK], [share for _, share in WORK])[0]
            else:
                is_late = order["status"] == "completed" and not order["has_code"]
                what = "add-code" if is_late and self.chance.random() < 0.02 else ""
            if what:
                self._post(f"/_demo/shop/{order['id']}/{what}")

    def _get(self, path: str) -> Any:
        answer = self.session.get(self.address + path, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, **form: str) -> None:
        """409 only says that there was nothing to do."""
        answer = self.session.post(self.address + path, data=form, timeout=10)
        if answer.status_code != 409:
            answer.raise_for_status()


def main() -> int:
    driver = Driver(f"http://127.0.0.1:{os.environ.get('SIMULATORS_PORT') or 8900}")
    print(f"Buying and shipping at {driver.address}/", flush=True)  # noqa: T201
    while True:
        try:
            driver.step(time.monotonic())
        except requests.RequestException as error:
            print(f"The simulators don't answer ({type(error).__name__}); trying again.", flush=True)  # noqa: T201
        try:
            time.sleep(STEP_SECONDS)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
