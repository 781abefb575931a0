from __future__ import annotations

from channable.celery import app
from connections.tasks import EXPIRES
from orders.services.attachments import delete_expired
from orders.services.waiting import end_waits


@app.task(expires=EXPIRES)
def ship_after_waiting() -> None:
    """Ship what has waited for a tracking code long enough."""
    end_waits()


@app.task(expires=EXPIRES)
def delete_expired_files() -> None:
    """Delete the files of orders that nobody may have any more."""
    delete_expired()
