"""How quickly due streams are found and leased: `python -m benchmarks.dispatcher`.

The product's claim on many streams: all due at once, a usual second, two dispatchers at once, with accounts being
edited; beside django-celery-beat with a row per stream.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier, Thread

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from celery import Celery
from django.conf import settings
from django.db import connection as database
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from benchmarks import fleet
from benchmarks.report import Figure, Report, median, percentile, run
from benchmarks.timing import timed
from channable.tenants.scope import all_companies
from connections import dispatch

PERIOD = 300  # s
BATCH = 10_000
BEAT_ROWS = 10_000
BEAT_SECONDS = 15.0
BOTH = 20_000  # due when two dispatchers start at once
NOTES = [
    "A claim sends no message, django-celery-beat does, so the two rates are not of the same work.",
    "Of a tick a third is finding what is due, the rest is the update: its pages are full, so each lease writes every "
    "index. A fill factor of 70 claimed all at once in three quarters of the time, but a usual tick took half as long "
    "again, because what is due together then lies in as many pages as rows; so it was not taken.",
]


# -- the streams --------------------------------------------------------------------------------------


def set_due(count: int) -> None:
    """So many random streams are due now, the others within the period."""
    with all_companies(), database.cursor() as sql:  # the whole fleet
        sql.execute(
            "UPDATE connections_stream SET lease_until = NULL, lease_token = NULL, "
            "next_run_at = now() + random() * %s * interval '1 s' + interval '60 s' "
            "WHERE lease_until IS NOT NULL OR next_run_at < now() + interval '30 s'",
            [PERIOD],
        )
        sql.execute("SELECT max(id) FROM connections_stream")  # a fleet's ids have no gaps
        chosen = random.sample(range(1, sql.fetchone()[0] + 1), count)
        sql.execute("UPDATE connections_stream SET next_run_at = now() WHERE id = ANY(%s)", [chosen])


def edit_account(pk: int) -> None:
    with all_companies(), database.cursor() as sql:  # any company's
        sql.execute("UPDATE connections_connection SET label = label || '.' WHERE id = %s", [pk])


# -- what is measured ---------------------------------------------------------------------------------


def everything_at_once(count: int, batch: int) -> float:
    """Seconds to claim all of them."""
    set_due(count)
    fleet.analyze()
    claimed = 0
    began = time.perf_counter()
    while found := dispatch.claim_due(most=batch, per_company=batch):
        claimed += len(found)
    seconds = time.perf_counter() - began
    assert claimed == count, (claimed, count)
    return seconds


def ticks(due: int, rounds: int, *, before: Callable[[int], None] = lambda turn: None) -> list[float]:
    """Seconds of each tick that finds `due` streams."""
    found = []
    for turn in range(rounds):
        set_due(due)
        before(turn)
        found.append(timed(dispatch.claim_due))
    return found


def claimed_by_two(count: int) -> Counter[int]:
    """How often each stream was claimed by two dispatchers that start at the same moment."""
    set_due(count)
    claimed: Counter[int] = Counter()
    barrier = Barrier(2)

    def work() -> None:
        barrier.wait()
        try:
            while found := dispatch.claim_due():
                claimed.update(claim.stream_id for claim in found)
        finally:
            database.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return claimed


def beat_rate(rows: int) -> tuple[float, float]:
    """django-celery-beat with a row per stream, all due: messages per second, and seconds to reload after one edit."""
    app = Celery("beat", broker=settings.REDIS_URL)
    interval, _made = IntervalSchedule.objects.get_or_create(every=PERIOD, period=IntervalSchedule.SECONDS)
    long_ago = timezone.now() - timedelta(seconds=2 * PERIOD)  # without it a new row is due after its first period
    common = {"task": "sync", "interval": interval, "queue": "beat_baseline", "last_run_at": long_ago}
    PeriodicTask.objects.bulk_create(PeriodicTask(name=f"stream {n}", **common) for n in range(rows))
    scheduler = DatabaseScheduler(app=app, lazy=True)
    scheduler.setup_schedule()
    sent = _sent_in(scheduler, BEAT_SECONDS)
    PeriodicTask.objects.get(name="stream 0").save()
    assert sent, "nothing was due: the baseline measured nothing"
    return sent / BEAT_SECONDS, timed(lambda: scheduler.schedule)


def _sent_in(scheduler: DatabaseScheduler, seconds: float) -> int:
    before, until = _waiting(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        scheduler.tick()
    return _waiting() - before


def _waiting() -> int:
    with fleet.broker() as client:
        return int(client.llen("beat_baseline"))


# -- the report ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """Seconds, but for `twice` (how often each stream was claimed) and `beat_rate` (messages per second)."""

    single: list[float]
    batches: list[float]
    quiet: list[float]
    edited: list[float]
    twice: Counter[int]
    beat_rate: float
    beat_reload: float


def measure(options: argparse.Namespace) -> Report:
    fleet.fresh_database("dispatcher")
    fleet.add_streams(options.streams, companies=1000, url="http://127.0.0.1:9")
    batches = [everything_at_once(options.streams, BATCH) for _ in range(options.rounds)]
    single = [everything_at_once(options.streams, options.streams) for _ in range(options.rounds)]
    due = options.streams // PERIOD
    set_due(due)
    fleet.analyze()
    quiet: list[float] = []
    edited: list[float] = []
    for turn in range(options.ticks // 10):  # in turn, so that a slow minute meets both
        quiet += ticks(due, 10)
        edited += ticks(due, 10, before=lambda one, turn=turn: edit_account(1 + 10 * turn + one))
    found = Found(single, batches, quiet, edited, claimed_by_two(BOTH), *beat_rate(BEAT_ROWS))
    fleet.purge()
    return Report(
        "dispatcher",
        "Finding what is due",
        f"{options.streams:,} streams of 1,000 companies; {options.rounds} rounds all at once, {len(quiet)} ticks.",
        _table(options.streams, due, found),
        _figures(options.streams, found),
        NOTES,
    )


def _table(streams: int, due: int, found: Found) -> list[list[str]]:
    single, batches, quiet = median(found.single), median(found.batches), median(found.quiet)
    p95 = percentile(found.quiet, 0.95)
    return [
        ["", "time", "streams/s"],
        [f"all {streams:,} at once, one statement", f"{single:.2f} s", f"{streams / single:,.0f}"],
        [f"the same, {BATCH:,} a statement", f"{batches:.2f} s", f"{streams / batches:,.0f}"],
        [f"a tick that finds {due}, median", f"{1000 * quiet:.1f} ms", f"{due / quiet:,.0f}"],
        [f"a tick that finds {due}, p95", f"{1000 * p95:.1f} ms", ""],
        ["the same after an account was edited, median", f"{1000 * median(found.edited):.1f} ms", ""],
        [f"django-celery-beat, {BEAT_ROWS:,} rows due", "", f"{found.beat_rate:,.0f}"],
        ["the same, reload after an edit", f"{found.beat_reload:.2f} s", ""],
    ]


def _figures(streams: int, found: Found) -> list[Figure]:
    single, p95 = median(found.single), percentile(found.quiet, 0.95)
    after_edit = median(found.edited) / median(found.quiet)
    doubled = sum(1 for count in found.twice.values() if count > 1)
    is_once = doubled == 0 and len(found.twice) == BOTH
    return [
        Figure(f"{streams:,} due at once", f"{single:.2f} s", "<= 2 s", single <= 2),
        Figure("a usual tick, p95", f"{1000 * p95:.1f} ms", "<= 10 ms", p95 <= 0.010),
        Figure("two dispatchers", f"{doubled} of {len(found.twice):,} claimed twice", f"0 of {BOTH:,}", is_once),
        Figure("a tick after an edit", f"{after_edit:.2f} x", "<= 1.5 x, reloads nothing", after_edit <= 1.5),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ticks", type=int, default=100)
    options = parser.parse_args()
    run(lambda: measure(options))


if __name__ == "__main__":
    main()
