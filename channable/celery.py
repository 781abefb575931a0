"""The Celery app, its queues and the one list of everything periodic."""

from __future__ import annotations

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")

app = Celery("channable")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# name -> (task, seconds). Written to django-celery-beat once (`setup_periodic`), so that what an
# admin changes stays changed. A short fixed list: never a row per connection.
PERIODIC: dict[str, tuple[str, int]] = {
    "Dispatch due syncs": ("connections.tasks.dispatch_due", 1),
    "Relay outbox": ("connections.tasks.relay_outbox", 2),
    "Follow up asynchronous answers": ("connections.tasks.follow_up_due", 5),
    "Waiting-time check": ("orders.tasks.ship_after_waiting", 15),
    "Reconciliation": ("orders.tasks.reconcile_tonight", 3600),
    "Prune old exchanges": ("connections.tasks.prune_exchanges", 3600),
    "Delete expired files": ("orders.tasks.delete_expired_files", 600),
}


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery would install its own handlers otherwise; settings did the work already."""


@worker_init.connect
@beat_init.connect
def _refuse_wrong_role(**_: Any) -> None:
    from channable.tenants.checks import refuse_wrong_role

    refuse_wrong_role()


# A signal's handler runs between any two instructions: it may not start a thread, nor ask the database.


@worker_init.connect
def _end_worker_in_time(**_: Any) -> None:
    from channable.core import stopping

    stopping.end_in_time()


@worker_shutting_down.connect
def _drain(**_: Any) -> None:
    from channable.core import stopping

    stopping.ask()


@beat_init.connect
def _end_beat_at_once(**_: Any) -> None:
    """Celery's handler saves the schedule, and waits forever where it came in between a query of that connection.

    What isn't saved is when a task was last sent: at worst it is sent once more.
    """
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: os._exit(0))  # not SIG_DFL: that does nothing in the first process of a container
