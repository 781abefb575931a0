"""Many companies with many accounts, and the product's processes at work on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings
from django.db import connection as database

from benchmarks.remote import API_KEY
from channable.dev import run
from channable.dev.folders import ROOT
from channable.tenants.database import as_owner
from channable.tenants.scope import all_companies
from connections.models import key_ring
from tests.database import make_database

LOGS = ROOT / "var" / "bench"
PATIENCE = 120.0  # s; on an overloaded machine workers take most of a minute to start

COMPANIES = """
INSERT INTO tenants_company (id, name, billing_time_zone, sync_paused_reason, created_at)
SELECT n, 'Company ' || n, 'UTC', '', now() FROM unnest(%s::bigint[]) n
"""
ACCOUNTS = """
INSERT INTO connections_connection (id, company_id, kind, label, account_id, account_name, settings, sealed_credentials,
    sealed_token, state, is_paused, not_before, failures, error_code, error_detail, created_at)
SELECT id, company, 'example', 'Account ' || id, 'account-' || id, '', '{}', sealed, '', 'working', false, now(), 0,
    '', '', now()
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) one (id, company, sealed)
"""
STREAMS = """
INSERT INTO connections_stream (id, company_id, connection_id, name, topic, period_seconds, is_active, cursor,
    next_run_at, outcomes)
SELECT id, company_id, id, 'orders', 'orders', %(period)s, true, %(cursor)s,
    now() + random() * %(spread)s * interval '1 s', ''
FROM connections_connection WHERE id >= %(first)s
"""


def fresh_database(name: str) -> None:
    """A database of this benchmark alone, with the periodic tasks in it and empty queues."""
    make_database(f"bench_{name}")
    from django.core.management import call_command

    call_command("setup_periodic", verbosity=0)
    purge()


def use_database(name: str) -> None:
    """Go on in the database of another `fresh_database`."""
    database.close()
    database.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = f"bench_{name}"
    database.ensure_connection()


def broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


def purge() -> None:
    with broker() as client:
        client.flushdb()


def empty() -> None:
    with as_owner(database), database.cursor() as cursor:
        cursor.execute("TRUNCATE tenants_company CASCADE")


def add_streams(
    count: int, *, companies: int, url: str, period: int = 300, spread: float = 0, cursor: str = "2026-01-01T00:00:00Z"
) -> range:
    """Accounts with one stream each, dealt out to new companies, due within `spread` seconds from now.

    A stream that has been read before by default; with `cursor=""` it reads from the start. The ids of the
    companies.
    """
    with all_companies(), database.cursor() as sql:  # a whole fleet
        sql.execute("SELECT coalesce(max(id), 0) + 1 FROM tenants_company")
        first_company = sql.fetchone()[0]
        sql.execute("SELECT coalesce(max(id), 0) + 1 FROM connections_connection")
        first = sql.fetchone()[0]
        ids = list(range(first, first + count))
        made = range(first_company, first_company + companies)
        owners = [made[n % companies] for n in range(count)]
        sql.execute(COMPANIES, [list(made)])
        sql.execute(ACCOUNTS, [ids, owners, _sealed(ids, owners, url)])
        sql.execute(STREAMS, {"period": period, "cursor": cursor, "spread": spread, "first": first})
    analyze()
    return made


def _sealed(ids: Sequence[int], companies: Sequence[int], url: str) -> list[str]:
    ring = key_ring()
    plain = json.dumps({"url": url, "api_key": API_KEY}).encode()
    return [
        ring.seal(plain, context=f"{company}/connections_connection/{pk}/credentials")
        for pk, company in zip(ids, companies, strict=True)
    ]


def spread_due(companies: range, seconds: float) -> dict[int, datetime]:
    """Make the streams of these companies due at random moments of the coming seconds; the moment of each by its id."""
    with all_companies(), database.cursor() as cursor:  # a whole fleet
        cursor.execute(
            "UPDATE connections_stream SET next_run_at = now() + random() * %s * interval '1 s' "
            "WHERE company_id BETWEEN %s AND %s RETURNING id, next_run_at",
            [seconds, companies.start, companies.stop - 1],
        )
        return dict(cursor.fetchall())


def lateness(due: Mapping[int, datetime]) -> list[float]:
    """Seconds from when each was due to its start, both by the database's clock; until now where it hasn't started."""
    with all_companies(), database.cursor() as cursor:  # a whole fleet
        query = "SELECT id, coalesce(last_run_at, '1970-01-01+00'), now() FROM connections_stream WHERE id = ANY(%s)"
        cursor.execute(query, [list(due)])
        return [
            ((started if started >= due[pk] else now) - due[pk]).total_seconds()
            for pk, started, now in cursor.fetchall()
        ]


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, "the workers don't get on: see var/bench/*.log"
        time.sleep(0.2)


def settle(seconds: float = 10) -> None:
    """Wait until the processes are at work, nothing waits that became due while they started, and they are warm.

    Without it how long a worker takes to start would be measured as lateness.
    """
    for pause in (seconds, 0):  # again, as one of the workers may have started after the first
        wait_until(_is_on_time)
        time.sleep(pause)


def _is_on_time() -> bool:
    with all_companies(), database.cursor() as cursor:  # a whole fleet
        cursor.execute(
            "SELECT count(last_run_at) > 0 AND count(*) FILTER (WHERE next_run_at < now() - interval '2 s') = 0 "
            "FROM connections_stream WHERE is_active"
        )
        return bool(cursor.fetchone()[0])


def now() -> datetime:
    """The database's."""
    with database.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def analyze() -> None:
    """What autovacuum would do within a minute."""
    with as_owner(database), database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE tenants_company, connections_connection, connections_stream")


# -- processes ----------------------------------------------------------------------------------------


def environment(name: str) -> dict[str, str]:
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path=f"/{settings.DATABASES['default']['NAME']}"))
    return {**os.environ, "DATABASE_URL": url, "PROCESS_NAME": name}


@contextmanager
def started(name: str, argv: Sequence[str]) -> Iterator[int]:
    """A process (its id) whose output is in var/bench; killed with its children at the end."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with Path(LOGS / f"{name}.log").open("wb") as out:
        process = subprocess.Popen(
            argv, cwd=ROOT, env=environment(name), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def product(name: str, number: int = 1, **changed: str) -> Iterator[int]:
    """A process of `make run` by its name there; `concurrency="64"` replaces the value of that option.

    `number` tells several of one kind apart.
    """
    program = next(one for one in run.programs() if one.name == name)
    argv = ["benchmarks.app" if part == "channable" else part for part in program.argv]
    for option, value in changed.items():
        argv[argv.index(f"--{option}") + 1] = value
    if "-n" in argv:
        argv[argv.index("-n") + 1] = f"{name}{number}@%h"
    with started(f"{name}{number}", argv) as pid:
        yield pid


@contextmanager
def workers(count: int, concurrency: int) -> Iterator[list[int]]:
    """Workers as in `make run`, one process for each core as docs/operations.md wants them; their ids."""
    with ExitStack() as stack:
        yield [stack.enter_context(product("worker", n + 1, concurrency=str(concurrency))) for n in range(count)]


def celery(app: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", app, *arguments]
