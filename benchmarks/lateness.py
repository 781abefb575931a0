"""How late syncs begin when nothing is wrong: `python -m benchmarks.lateness`.

The product's worker and scheduler on 10,000 streams whose due times are spread over five minutes, remotes that
answer after 30 ms; and how much of the machine that takes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import psutil
from django.db import connection as database

from benchmarks import fleet
from benchmarks.remote import remote
from benchmarks.report import Figure, Report, median, percentile, run

PERIOD = 300  # s
DELAY = 30  # ms
THREADS = 32


def servers() -> list[psutil.Process]:
    """PostgreSQL's first process and Valkey."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    with fleet.broker() as client:
        valkey = int(client.info("server")["process_id"])
    return [psutil.Process(backend).parent(), psutil.Process(valkey)]


def processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """Of these, their living children, and those they saw end."""
    total = 0.0
    for process in processes:
        total += sum(process.cpu_times()[:4])  # its own and its ended children's, each user and system
        for child in process.children(recursive=True):
            try:
                total += sum(child.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
    return total


def measure(options: argparse.Namespace) -> Report:
    fleet.fresh_database("lateness")
    with ExitStack() as stack:
        url = f"{stack.enter_context(remote())}/{DELAY}"
        companies = fleet.add_streams(options.streams, companies=options.streams // 10, url=url, period=PERIOD)
        due = fleet.spread_due(companies, PERIOD)
        pids = [
            *stack.enter_context(fleet.workers(options.processes, THREADS)),
            stack.enter_context(fleet.product("beat")),
        ]
        ours = [*(psutil.Process(pid) for pid in pids), *servers()]
        fleet.settle()
        began = fleet.now()
        chosen = {pk: at for pk, at in due.items() if began <= at < began + timedelta(seconds=options.seconds)}
        before, at = processor_seconds(ours), time.monotonic()
        time.sleep(options.seconds)
        share = (processor_seconds(ours) - before) / (time.monotonic() - at) / (os.cpu_count() or 1)
        time.sleep(3)  # the last ones may be a tick late
        found = fleet.lateness(chosen)
    return _report(options, found, share)


def _report(options: argparse.Namespace, found: list[float], share: float) -> Report:
    p99 = percentile(found, 0.99)
    return Report(
        "lateness",
        "How late syncs begin",
        f"{options.streams:,} streams of {options.streams // 10:,} companies, due every {PERIOD} s, watched for "
        f"{options.seconds} s: {len(found):,} runs. {options.processes} worker processes of {THREADS} threads, one "
        f"scheduler, remotes that answer after {DELAY} ms.",
        [
            ["from due to start", "seconds"],
            ["median", f"{median(found):.2f}"],
            ["p95", f"{percentile(found, 0.95):.2f}"],
            ["p99", f"{p99:.2f}"],
            ["latest", f"{max(found):.2f}"],
        ],
        [
            Figure("start after due, p99", f"{p99:.2f} s", "<= 2 s", p99 <= 2),
            Figure("share of the machine", f"{share:.0%}", "<= 40 %", share <= 0.4),
        ],
        [
            "Due streams are looked for once a second, so half a second is the least that the median can be.",
            "The share counts workers, scheduler, PostgreSQL and Valkey, and not the simulated remotes.",
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    options = parser.parse_args()
    run(lambda: measure(options))


if __name__ == "__main__":
    main()
