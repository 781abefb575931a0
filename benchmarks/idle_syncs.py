"""How many syncs that find nothing new per second: `python -m benchmarks.idle_syncs`.

The product's worker as `make run` starts it, one message per stream, beside the same work as it is usually
written. Every remote answers after 30 ms. Compare the ratios.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from contextlib import ExitStack

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")

import django

django.setup()

from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from benchmarks import app as _registers_examples  # noqa: F401
from benchmarks import baselines, fleet
from benchmarks.remote import remote
from benchmarks.report import Figure, Report, interleaved, median, run
from channable.tenants.scope import all_companies
from connections import dispatch, tasks
from connections.models import Stream

DELAY = 30  # ms
PATIENCE = 60.0
THREADS = 32  # of each worker process, as in `make run`
ROUNDTRIP_BUDGET = 10


def wait_until(is_done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < until, "the workers don't get on: see var/bench/*.log"
        time.sleep(0.1)


# -- the ways -----------------------------------------------------------------------------------------


def ours(count: int) -> float:
    """Syncs per second from the first message to the last run's end."""
    with all_companies():  # the whole fleet
        due = Stream.objects.order_by("id")[:count].values("id")
        Stream.objects.exclude(id__in=due).update(is_active=False)
        Stream.objects.filter(id__in=due).update(is_active=True, next_run_at=django.utils.timezone.now(), outcomes="")
    began = time.perf_counter()
    for claim in dispatch.claim_due(most=count, per_company=count):
        tasks.hand_out(claim)
    wait_until(lambda: _settled() >= count)
    return count / (time.perf_counter() - began)


def _settled() -> int:
    with all_companies():  # the whole fleet
        return Stream.objects.filter(outcomes="d").count()


def plainly(task: object, count: int) -> float:
    with database.cursor() as cursor:
        cursor.execute("UPDATE baseline_stream SET last_run_at = NULL")
    began = time.perf_counter()
    for pk in range(1, count + 1):
        task.delay(pk)  # type: ignore[attr-defined]
    wait_until(lambda: _plainly_done() >= count)
    return count / (time.perf_counter() - began)


def _plainly_done() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM baseline_stream WHERE last_run_at IS NOT NULL")
        return int(cursor.fetchone()[0])


def statements_of_one() -> int:
    """SQL statements of one idle sync in a worker, with those that begin, scope and commit."""
    with all_companies():  # the whole fleet
        Stream.objects.filter(is_active=True).update(next_run_at=django.utils.timezone.now())
    (claim,) = dispatch.claim_due(most=1)
    with CaptureQueriesContext(database) as queries:
        tasks.sync_stream(claim.company_id, claim.stream_id, str(claim.token))
    return len(queries)


# -- the report ---------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> Report:
    fleet.fresh_database("idle_syncs")
    with ExitStack() as stack:
        url = f"{stack.enter_context(remote())}/{DELAY}"
        fleet.add_streams(options.streams, companies=options.streams, url=url)
        baselines.make_table(options.streams, url)
        stack.enter_context(fleet.workers(options.processes, options.threads))
        stack.enter_context(_baseline("baseline-orm", "prefork", 2, baselines.QUEUE_ORM))
        stack.enter_context(_baseline("baseline-sql", "threads", 32, baselines.QUEUE_SQL))
        ways: dict[str, Callable[[], float]] = {
            "ours": lambda: ours(options.streams),
            "orm": lambda: plainly(baselines.plain_orm, max(40, options.streams // 10)),
            "sql": lambda: plainly(baselines.bare_sql, options.streams),
        }
        for way in ways.values():
            way()  # connections are made, modules loaded
        found = {name: median(speeds) for name, speeds in interleaved(ways, options.rounds).items()}
        count = statements_of_one()
    return _report(options, found, count)


def _baseline(name: str, pool: str, concurrency: int, queue: str) -> object:
    arguments = ["worker", "--pool", pool, "--concurrency", str(concurrency), "-Q", queue, "-n", f"{name}@%h"]
    return fleet.started(name, fleet.celery("benchmarks.baselines", *arguments))


def _report(options: argparse.Namespace, found: dict[str, float], count: int) -> Report:
    names = {
        "ours": "the product's worker",
        "orm": "Celery prefork 2, plain ORM, requests",
        "sql": "Celery threads 32, bare SQL",
    }
    rows = [[names[name], f"{speed:,.0f}", f"{speed / found['orm']:.1f}"] for name, speed in found.items()]
    times = found["ours"] / found["orm"]
    return Report(
        "idle_syncs",
        "Syncs that find nothing new",
        f"{options.streams:,} streams of as many companies, one message each, remotes that answer after {DELAY} ms; "
        f"{options.rounds} interleaved rounds, medians.",
        [["", "syncs/s", "x prefork + ORM"], *rows],
        [
            Figure("idle syncs", f"{found['ours']:,.0f}/s", ">= 200/s on 2 cores", found["ours"] >= 200),
            Figure("against prefork + ORM", f"{times:.1f} x", ">= 8 x", times >= 8),
            Figure("SQL statements of one", str(count), f"<= {ROUNDTRIP_BUDGET}", count <= ROUNDTRIP_BUDGET),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    run(lambda: measure(options))


if __name__ == "__main__":
    main()
