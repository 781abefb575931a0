"""The list of everything periodic, into django-celery-beat."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from channable.celery import PERIODIC
from channable.tenants.management.base import Done, JsonCommand


class Command(JsonCommand):
    help = "Write what runs periodically to the database. Rows that are there stay as an admin left them."

    @transaction.atomic
    def work(self, **options: Any) -> Done:
        made = [name for name, (task, seconds) in PERIODIC.items() if ensure_periodic(name, task, seconds)]
        return Done(f"{len(made)} of {len(PERIODIC)} periodic tasks were new.", {"made": made, "all": list(PERIODIC)})


def ensure_periodic(name: str, task: str, seconds: int) -> bool:
    """One row, if there is none of that name. Whether it was made."""
    # Not get_or_create: an admin may have made the same interval twice.
    every = {"every": seconds, "period": IntervalSchedule.SECONDS}
    interval = IntervalSchedule.objects.filter(**every).first() or IntervalSchedule.objects.create(**every)
    _row, is_new = PeriodicTask.objects.get_or_create(name=name, defaults={"task": task, "interval": interval})
    return bool(is_new)
