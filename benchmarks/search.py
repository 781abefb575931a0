"""Search among millions of orders: `python -m benchmarks.search`, with `--orders 5000000` for more.

The product's own search (what the list does with the text of its search field, up to the rows of the page) inside the
wall, for terms taken from the data and for hostile ones, beside a bare B-tree look-up and an ILIKE that no index
serves. After every search PostgreSQL's counters say whether a table of orders was read from end to end.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from functools import partial

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import psycopg
from django.db import connection

from benchmarks.many_orders import ORDERS, many_orders, owner
from benchmarks.report import Figure, Report, interleaved, median, percentile, run
from channable.tenants.scope import company_scope
from orders import listing
from orders.paging import page_of

SAMPLES = 25  # orders of each company whose values are searched for
UNINDEXED = "SELECT id FROM orders_order WHERE company_id = %s AND search_text ILIKE %s LIMIT 500"
BTREE = "SELECT id FROM orders_order WHERE company_id = %s AND number = %s"
SCANS = """
SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_xact_user_tables WHERE relname IN ('orders_order', 'orders_shipment')
"""
HOSTILE = [
    "gma", "com", "3sy", "@gmail.com", "jo", "a", "e", "7", "%", "_", "%%%", "_%_", "\\", "'", "é", "ß", "🦄", " - ",
    "x" * 200, "ab" * 100, "gmail.com " * 20, "a b c d e f", "jansen zzzz", "50%", "sku 0", "(select 1)",
]  # fmt: skip


def search(company_id: int, term: str, scans: list[int] | None = None) -> float:
    """Seconds of one search to the rows of its first page, BEGIN and COMMIT left out."""
    asked = listing.Asked.of({"q": term})
    with company_scope(company_id):
        before = sequential_scans()
        began = time.perf_counter()
        orders, _is_cut = listing.orders_for(company_id, asked)
        page_of(orders.values(*listing.COLUMNS), None, by="created_at")
        seconds = time.perf_counter() - began
        if scans is not None:
            scans.append(sequential_scans() - before)
    return seconds


def sequential_scans() -> int:
    """How often this connection read one of the tables from end to end."""
    with connection.cursor() as cursor:
        cursor.execute(SCANS)
        return int(cursor.fetchone()[0])


# -- terms --------------------------------------------------------------------------------------------------


def samples(server: psycopg.Connection, company_id: int) -> list[tuple[str, str, str, str, str]]:
    """(number, shop number, customer, search text, tracking code) of some of a company's orders, all over its time."""
    query = """
        SELECT o.number, o.shop_number, o.customer_name, o.search_text, s.tracking_code
        FROM orders_order o JOIN orders_shipment s ON s.id = o.id
        WHERE o.company_id = %s AND o.id > %s ORDER BY o.id LIMIT 1
    """
    (last,) = server.execute("SELECT max(id) FROM orders_order").fetchone() or (0,)
    rows = [server.execute(query, [company_id, last * n * 97 // (SAMPLES * 100)]).fetchone() for n in range(SAMPLES)]
    return [row for row in rows if row]  # type: ignore[misc]


def whole_terms(rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [term for number, shop_number, _name, _text, code in rows for term in (number, shop_number, code)]


def part_terms(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """What people type: names, addresses, products, and pieces from the middle of numbers."""
    terms = []
    for number, _shop_number, name, text, code in rows:
        words = text.split()
        email, sku, title = words[3], words[4], " ".join(words[6:9])
        terms += [name, name.split()[1], email, email.partition("@")[0], sku, title, " ".join(title.split()[:2])]
        terms += [number[2:8], code[6:13], words[5]]
    return terms


# -- baselines ----------------------------------------------------------------------------------------------


def bare(server: psycopg.Connection, company_id: int, number: str) -> float:
    began = time.perf_counter()
    server.execute(BTREE, [company_id, number]).fetchall()
    return time.perf_counter() - began


def unindexed(server: psycopg.Connection, company_id: int, term: str) -> float:
    with server.transaction():
        for way in ("bitmapscan", "indexscan", "indexonlyscan"):
            server.execute(f"SET LOCAL enable_{way} = off")
        began = time.perf_counter()
        server.execute(UNINDEXED, [company_id, f"%{term}%"]).fetchall()
        return time.perf_counter() - began


# -- what is measured ---------------------------------------------------------------------------------------


def timings(company_id: int, terms: Iterable[str], rounds: int, scans: list[int]) -> list[float]:
    """Seconds of every term in every round; the terms take turns."""
    ways = {term: partial(search, company_id, term, scans) for term in dict.fromkeys(terms)}
    for fetch in ways.values():
        fetch()  # whatever the disk has to give
    return [seconds for found in interleaved(ways, rounds).values() for seconds in found]


def row(name: str, values: list[float]) -> list[str]:
    cells = [median(values), percentile(values, 0.95), max(values)]
    return [name, str(len(values)), *(f"{cell * 1e3:.2f}" for cell in cells)]


def measure(options: argparse.Namespace) -> Report:
    many = many_orders(options.orders)
    table, scans = [["ms", "searches", "p50", "p95", "longest"]], []
    whole, parts, hostile = [], [], []
    with owner() as server:
        for who, company_id in (("largest", many.largest), ("middle", many.middle), ("smallest", many.smallest)):
            rows = samples(server, company_id)
            found = timings(company_id, whole_terms(rows), options.rounds, scans)
            table.append(row(f"{who}: whole numbers and tracking codes", found))
            whole += found
            found = timings(company_id, part_terms(rows), options.rounds, scans)
            table.append(row(f"{who}: any part", found))
            parts += found
            found = timings(company_id, HOSTILE, options.rounds, scans)
            table.append(row(f"{who}: hostile terms", found))
            hostile += found
            numbers = [one[0] for one in rows]
            table.append(row(f"{who}: bare B-tree look-up", [bare(server, company_id, one) for one in numbers * 4]))
            names = [one[3].split()[3] for one in rows][: options.unindexed]
            table.append(row(f"{who}: ILIKE without an index", [unindexed(server, company_id, one) for one in names]))
    report = Report("search", "Search", "", table)
    report.setting = f"{many.setting()}; {options.rounds} rounds"
    longest, whole_95, part_95 = (max(whole + parts + hostile), percentile(whole, 0.95), percentile(parts, 0.95))
    report.figures = [
        at_most("whole number or tracking code, p95", whole_95, 2),
        at_most("any part, p95", part_95, 30),
        at_most("any term, longest", longest, 250),
        Figure("sequential scans", f"{sum(scans)} in {len(scans)} searches", "0", not any(scans)),
    ]
    return report


def at_most(what: str, seconds: float, most: float) -> Figure:
    return Figure(what, f"{seconds * 1e3:.2f} ms", f"<= {most:g} ms", seconds * 1e3 <= most)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--unindexed", type=int, default=3)
    options = parser.parse_args()
    run(lambda: measure(options))


if __name__ == "__main__":
    main()
