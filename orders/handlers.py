"""What orders registers with the engine below it."""

from __future__ import annotations

from connections import outbox, tasks
from orders.services.effects import EFFECTS
from orders.services.pull import pull_orders
from orders.services.returns import pull_returns
from orders.services.track import track_updates


def register() -> None:
    tasks.HANDLERS["orders"] = pull_orders
    tasks.HANDLERS["updates"] = track_updates
    tasks.HANDLERS["returns"] = pull_returns
    for effect in EFFECTS:
        outbox.register(effect)
