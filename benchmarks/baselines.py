"""Idle syncs as they are usually written, on a plain table without tenancy: `celery -A benchmarks.baselines`."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")

import django

django.setup()

import psycopg
import requests
from celery import Celery
from celery.signals import setup_logging
from django.conf import settings
from django.db import connection as database
from django.db import models
from django.utils import timezone

from channable.tenants.database import as_owner

QUEUE_ORM, QUEUE_SQL = "baseline_orm", "baseline_sql"

app = Celery("baselines", broker=settings.REDIS_URL)
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=1)
app.conf.task_routes = {"plain_orm": {"queue": QUEUE_ORM}, "bare_sql": {"queue": QUEUE_SQL}}


@setup_logging.connect
def _no_logging(**_: object) -> None:
    """As the product: Celery installs no handlers of its own."""


class PlainStream(models.Model):  # noqa: DJ008 - never shown
    """Its table is made by `make_table`, as no app has it."""

    url = models.TextField()
    cursor = models.TextField(blank=True)
    status = models.CharField(max_length=10)
    last_run_at = models.DateTimeField(null=True)
    next_run_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        app_label = "baselines"
        db_table = "baseline_stream"


def make_table(count: int, url: str) -> None:
    with as_owner(database), database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS baseline_stream")
        cursor.execute(
            "CREATE TABLE baseline_stream (id bigint PRIMARY KEY, url text, cursor text, status varchar(10), "
            "last_run_at timestamptz, next_run_at timestamptz)"
        )
        cursor.execute(
            "INSERT INTO baseline_stream SELECT n, %s, '2026-01-01T00:00:00Z', 'idle', NULL, now() "
            "FROM generate_series(1, %s) n",
            [url, count],
        )
        cursor.execute("GRANT ALL ON baseline_stream TO channable_app")


@app.task(name="plain_orm")
def plain_orm(pk: int) -> None:
    """Read the row, mark it, ask with requests, save it."""
    stream = PlainStream.objects.get(pk=pk)
    stream.status = "running"
    stream.save()
    answer = requests.get(f"{stream.url}/orders", {"changed_since": stream.cursor}, timeout=30)
    answer.raise_for_status()
    assert answer.json()["orders"] == []
    stream.status = "idle"
    stream.last_run_at = timezone.now()
    stream.next_run_at = stream.last_run_at + timedelta(seconds=300)
    stream.save()


_local = threading.local()


@app.task(name="bare_sql")
def bare_sql(pk: int) -> None:
    """The least there is: one statement before the call, one after it, on connections kept by the thread."""
    if not hasattr(_local, "sql"):
        _local.sql = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        _local.http = requests.Session()
    url, cursor = _local.sql.execute(
        "UPDATE baseline_stream SET status = 'running' WHERE id = %s RETURNING url, cursor", [pk]
    ).fetchone()
    answer = _local.http.get(f"{url}/orders", params={"changed_since": cursor}, timeout=30)
    answer.raise_for_status()
    assert answer.json()["orders"] == []
    _local.sql.execute(
        "UPDATE baseline_stream SET status = 'idle', last_run_at = now(), next_run_at = now() + interval '300 s' "
        "WHERE id = %s",
        [pk],
    )
