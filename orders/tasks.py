from __future__ import annotations

from channable.celery import app
from connections.tasks import EXPIRES
from orders.services.waiting import end_waits


@app.task(expires=EXPIRES)
def ship_after_waiting() -> None:
    """Ship what has waited for a tracking code long enough."""
    end_waits()
