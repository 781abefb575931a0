"""A database with millions of orders over fifty companies, made once and found again.

`list`, `search` and `growth` use it. It is filled by its owner without indexes and keys, which are made afterwards by
their own definitions. A comment on the database says what it was made of: another number of orders, another
migration or other rows here make it anew.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import psycopg
from django.conf import settings
from django.db import connection
from django.test import Client

from benchmarks import order_rows
from benchmarks.browser import Browser
from benchmarks.order_rows import ROWS, Owners
from channable.tenants.models import Company, User
from channable.tenants.roles import Role
from channable.tenants.scope import all_companies
from tests.database import make_database
from tests.factories import OrderConnectionFactory, ProjectFactory, member

ORDERS = int(os.environ.get("BENCH_ORDERS", "1000000"))  # 5 million take a quarter of an hour to make, and 18 GB
COMPANIES = 50
LARGEST_SHARE = 0.4
CHUNK = 50_000
SIDES = 2  # statements at a time
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class ManyOrders:
    """What is in the database; companies by their ids."""

    name: str  # of the database
    orders: int
    companies: list[int]  # the largest first, then ever smaller ones
    build_seconds: float  # 0 when it was found

    @property
    def largest(self) -> int:
        return self.companies[0]

    @property
    def middle(self) -> int:
        return self.companies[len(self.companies) // 2]

    @property
    def smallest(self) -> int:
        return self.companies[-1]

    def browser(self, company_id: int) -> Browser:
        """A signed-in owner of a company."""
        client = Client()
        client.force_login(User.objects.get(email=_email(company_id)))
        return Browser(client.cookies["sessionid"].value)

    def setting(self) -> str:
        """In a sentence, for a report; asks the database that Django points at."""
        shares = f"{len(self.companies)} companies, one with {LARGEST_SHARE:.0%}"
        built = f"built in {self.build_seconds:.0f} s" if self.build_seconds else "found as it was built before"
        return f"{self.orders:,} orders of {shares}; {_size()} of data with items, addresses, events, outbox; {built}"


def many_orders(count: int) -> ManyOrders:
    """Find or make the database of this many orders, and point Django at it."""
    name, made_of = f"bench_orders_{count}", _fingerprint(count)
    began = time.perf_counter()
    if _comment(name) == made_of:
        connection.close()
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
        seconds = 0.0
    else:
        make_database(name)
        _fill(count)
        with owner() as server:
            server.execute(f"COMMENT ON DATABASE {name} IS '{made_of}'")
        seconds = time.perf_counter() - began
    with all_companies():  # a benchmark's own database
        companies = list(Company.objects.filter(name__startswith="Bench ").order_by("id").values_list("id", flat=True))
    return ManyOrders(name, count, companies, seconds)


@contextmanager
def owner() -> Iterator[psycopg.Connection]:
    """The owner's connection to the database that Django uses, without a transaction around statements."""
    conninfo = psycopg.conninfo.make_conninfo(settings.DATABASE_OWNER_URL, dbname=connection.settings_dict["NAME"])
    with psycopg.connect(conninfo, autocommit=True) as server:
        server.execute("SET synchronous_commit = off")
        server.execute("SET maintenance_work_mem = '1GB'")
        yield server


def _fingerprint(count: int) -> str:
    files = [Path(order_rows.__file__)]
    for app in ("channable/tenants", "connections", "orders", "billing"):
        files += sorted((ROOT / app).glob("migrations/*.py"))
    return hashlib.sha256(
        b"".join([f"{count} {COMPANIES} {LARGEST_SHARE}".encode(), *(file.read_bytes() for file in files)])
    ).hexdigest()[:32]


def _comment(name: str) -> str:
    with owner() as server:
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        row = server.execute(query, [name]).fetchone()
    return row[0] or "" if row else ""


def _size() -> str:
    with owner() as server:
        row = server.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    return str(row[0]) if row else ""


# -- filling it -----------------------------------------------------------------------------------------


def _fill(count: int) -> None:
    source = order_rows.made(_make_owners(), count)
    with owner() as server:
        removed = _strip(server)
    tasks = [
        (statement, low)
        for low in range(1, count + 1, CHUNK)
        for m in ROWS
        for statement in order_rows.insert(m, source)
    ]
    _side_by_side([partial(_write, statement, low, min(low + CHUNK - 1, count)) for statement, low in tasks])
    _side_by_side([partial(_run, statement) for statement in removed.indexes])
    with owner() as server:
        for statement in [*removed.keys, *removed.references]:
            server.execute(statement)
        for model in ROWS:
            table = model._meta.db_table
            server.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(max(id), 1)) FROM {table}")
    _side_by_side([partial(_run, f"VACUUM (ANALYZE) {model._meta.db_table}") for model in ROWS])


def _make_owners() -> Owners:
    """Companies with a marketplace and a shop; after the largest each is smaller than the one before."""
    weights = [1 / number for number in range(1, COMPANIES)]
    shares = [LARGEST_SHARE, *((1 - LARGEST_SHARE) * weight / sum(weights) for weight in weights)]
    pairs = []
    for number in range(COMPANIES):
        project = ProjectFactory(company__name=f"Bench {number:02d}")
        pairs.append(OrderConnectionFactory(project=project))
        if number in (0, COMPANIES // 2, COMPANIES - 1):
            member(project.company, Role.OWNER, email=_email(project.company_id))
    return Owners(
        companies=[pair.company_id for pair in pairs],
        projects=[pair.project_id for pair in pairs],
        pairs=[pair.pk for pair in pairs],
        markets=[pair.marketplace_id for pair in pairs],
        shops=[pair.shop_id for pair in pairs],
        shares=shares,
    )


def _email(company_id: int) -> str:
    return f"owner-{company_id}@example.com"


@dataclass(frozen=True)
class Removed:
    """Statements that make again what was taken off: in this sequence."""

    indexes: list[str]
    keys: list[str]
    references: list[str]


def _strip(server: psycopg.Connection) -> Removed:
    """Take indexes, keys and foreign keys off the tables to be filled, and the wall's hold on their owner."""
    tables = "ARRAY[" + ", ".join(f"'{model._meta.db_table}'::regclass" for model in ROWS) + "]"
    of_keys = f"FROM pg_constraint WHERE contype IN ('p', 'u') AND conrelid = ANY ({tables})"
    of_references = (
        f"FROM pg_constraint WHERE contype = 'f' AND (conrelid = ANY ({tables}) OR confrelid = ANY ({tables}))"
    )
    of_indexes = f"FROM pg_index WHERE indrelid = ANY ({tables})"
    named = "format('ALTER TABLE %%s ADD CONSTRAINT %%I ', conrelid::regclass, conname)"
    removed = Removed(
        # The search index takes longest, so it begins.
        _texts(
            server,
            f"SELECT pg_get_indexdef(indexrelid) {of_indexes} ORDER BY pg_get_indexdef(indexrelid) NOT LIKE '%%gin%%'",
        ),
        _texts(
            server,
            f"SELECT {named} || CASE contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END "
            f"|| format(' USING INDEX %%I', conname) {of_keys}",
        ),
        # The rows are right by their making: only new ones are checked.
        _texts(server, f"SELECT {named} || pg_get_constraintdef(oid) || ' NOT VALID' {of_references}"),
    )
    drop = "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname)"
    for statement in [*_texts(server, f"{drop} {of_references}"), *_texts(server, f"{drop} {of_keys}")]:
        server.execute(statement)
    for statement in _texts(server, f"SELECT format('DROP INDEX %%s', indexrelid::regclass) {of_indexes}"):
        server.execute(statement)
    return removed


def _texts(server: psycopg.Connection, query: str) -> list[str]:
    return [text for (text,) in server.execute(query, []).fetchall()]


def _write(statement: str, low: int, high: int) -> None:
    with owner() as server:
        server.execute(statement.replace("%(low)s", str(low)).replace("%(high)s", str(high)))


def _run(statement: str) -> None:
    with owner() as server:
        server.execute(statement)


def _side_by_side(tasks: list[partial[None]]) -> None:
    with ThreadPoolExecutor(SIDES) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS)
    print(many_orders(parser.parse_args().orders).setting())
