"""The page All orders among millions: `python -m benchmarks.list`, with `--orders 5000000` for more.

The product's page, asked of its WSGI application by a signed-in person (session, every middleware, the wall between
companies, tabs with counts, HTML of fifty rows), beside the same rows and counts by psycopg alone and beside what
Django REST framework does by itself. Everything takes turns in one process on one database.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

import psycopg
from django.db import connection
from rest_framework import generics, serializers
from rest_framework.pagination import BasePagination, CursorPagination, PageNumberPagination
from rest_framework.test import APIRequestFactory

from benchmarks.many_orders import ORDERS, ManyOrders, many_orders, owner
from benchmarks.report import Figure, Report, interleaved, median, percentile, run
from channable.tenants.scope import company_scope
from orders import listing
from orders.models import Order
from orders.paging import PAGE_SIZE, Position

OUR_COLUMNS = ", ".join("c.kind" if name == "connection__kind" else f"o.{name}" for name in listing.COLUMNS)
BARE_PAGE = f"""
SELECT {OUR_COLUMNS} FROM orders_order o JOIN connections_connection c ON c.id = o.connection_id
WHERE o.company_id = %s ORDER BY o.created_at DESC, o.id DESC LIMIT {PAGE_SIZE + 1}
"""
DEPTH = 0.9


# -- Django REST framework as one writes it first --------------------------------------------------------


class OrderSerializer(serializers.ModelSerializer):
    kind = serializers.CharField(source="connection.kind")

    class Meta:
        model = Order
        fields = [name for name in listing.COLUMNS if name != "connection__kind"] + ["kind"]


class ByNumber(PageNumberPagination):
    page_size = PAGE_SIZE


class ByCursor(CursorPagination):
    page_size = PAGE_SIZE
    ordering = ("-created_at", "-id")


def drf(company_id: int, paging: type[BasePagination], query: str = "") -> Callable[[], None]:
    class View(generics.ListAPIView):
        permission_classes = ()
        serializer_class = OrderSerializer
        pagination_class = paging

        def get_queryset(self) -> Any:
            return Order.objects.newest_first().select_related("connection")

    view, request = View.as_view(), APIRequestFactory().get(f"/{query}", HTTP_HOST="localhost")

    def fetch() -> None:
        with company_scope(company_id):
            assert view(request).render().status_code == 200

    return fetch


# -- the bare statements ----------------------------------------------------------------------------------


class Bare:
    """The same rows and counts by psycopg, as the tables' owner: no wall, no Django, statements kept prepared."""

    def __init__(self, server: psycopg.Connection, company_id: int) -> None:
        self.server, self.company_id = server, company_id
        self.counting = f"SELECT {', '.join(f'({listing.count_of(tab)})' for tab in listing.TABS)}"

    def page(self) -> None:
        rows = self.server.execute(BARE_PAGE, [self.company_id]).fetchall()
        assert rows

    def page_and_counts(self) -> None:
        self.page()
        self.server.execute(self.counting, [self.company_id] * len(listing.TABS)).fetchall()


# -- what is measured -------------------------------------------------------------------------------------


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def deep_url(company_id: int) -> str:
    """The page that 90 % of the company's orders are newer than."""
    with company_scope(company_id):
        total = Order.objects.count()
        moment, pk = Order.objects.newest_first().values_list("created_at", "id")[int(total * DEPTH)]
    return f"/companies/{company_id}/orders/?at={Position(moment, pk).dump()}"


def counted(company_id: int, keys: list[str]) -> Callable[[], None]:
    """The counts of some tabs by the product's own statement, inside the wall."""
    tabs = [listing.BY_KEY[key] for key in keys]

    def count() -> None:
        listing.counts(company_id, tabs)

    return count


def ways(many: ManyOrders, server: psycopg.Connection, company_id: int) -> dict[str, Callable[[], Any]]:
    browser, url = many.browser(company_id), f"/companies/{company_id}/orders/"
    bare = Bare(server, company_id)
    with company_scope(company_id):
        last = int(Order.objects.count() * DEPTH / PAGE_SIZE)
    return {
        "bare SQL: page": bare.page,
        "bare SQL: page and counts": bare.page_and_counts,
        "HTML page": browser.asks(url),
        "HTML page at 90 % depth": browser.asks(deep_url(company_id)),
        "table alone (refresh)": browser.asks(url, HTTP_HX_REQUEST="true"),
        "DRF page numbers": drf(company_id, ByNumber),
        "DRF page numbers at 90 % depth": drf(company_id, ByNumber, f"?page={last}"),
        "DRF cursor": drf(company_id, ByCursor),
    }


EXACT = [tab.key for tab in listing.TABS if tab.is_exact]
CAPPED = [tab.key for tab in listing.TABS if not tab.is_exact]


def measure_counts(company_id: int, rounds: int) -> dict[str, list[float]]:
    """Each count of a capped tab, and those of open and error tabs together, without BEGIN and COMMIT."""
    with company_scope(company_id):
        together = {"open and error tabs together": EXACT, **{f"tab {key}": [key] for key in CAPPED}}
        return interleaved({name: partial(timed, counted(company_id, keys)) for name, keys in together.items()}, rounds)


def row(name: str, values: list[float], bare: float) -> list[str]:
    middle = median(values)
    return [name, f"{middle * 1e3:.2f}", f"{percentile(values, 0.95) * 1e3:.2f}", f"{middle / bare:.1f}"]


def figures(who: str, found: dict[str, list[float]], *, is_largest: bool) -> list[Figure]:
    half = {name: median(values) for name, values in found.items()}
    html = half["HTML page"] / half["bare SQL: page and counts"]
    depth = half["HTML page at 90 % depth"] / half["HTML page"]
    pages = half["DRF page numbers"] / half["HTML page"]
    together = half["open and error tabs together"] * 1e3
    name = max((one for one in half if one.startswith("tab ")), key=lambda one: half[one])
    found_figures = [
        Figure(f"HTML page, {who}", f"{html:.1f} x bare SQL", "<= 12 x", html <= 12),
        Figure(f"90 % depth, {who}", f"{depth:.2f} x the first page", "<= 1.3 x", depth <= 1.3),
        Figure(f"open and error tabs, {who}", f"{together:.2f} ms, exact", "<= 5 ms", together <= 5),
        Figure(f"each other tab, {who}", f"{half[name] * 1e3:.2f} ms ({name})", "<= 1 ms", half[name] * 1e3 <= 1),
    ]
    if is_largest:
        found_figures.append(Figure("DRF page numbers, largest", f"{pages:.1f} x slower", ">= 30 x", pages >= 30))
    return found_figures


def measure(options: argparse.Namespace) -> Report:
    many = many_orders(options.orders)
    table = [["ms", "p50", "p95", "x bare SQL"]]
    report = Report("list", "All orders", "", table)
    for who, company_id in (("largest", many.largest), ("middle", many.middle)):
        with owner() as server:
            compared = ways(many, server, company_id)
            for fetch in compared.values():
                for _ in range(6):  # caches warm, statements prepared
                    fetch()
            found = interleaved({name: partial(timed, fetch) for name, fetch in compared.items()}, options.rounds)
        found |= measure_counts(company_id, options.rounds)
        bare = median(found["bare SQL: page and counts"])
        with company_scope(company_id):
            count = Order.objects.count()
        table.append([f"{who} company, {count:,} orders", "", "", ""])
        table += [row(f"  {name}", values, bare) for name, values in found.items()]
        report.figures += figures(who, found, is_largest=who == "largest")
    connection.close()
    report.setting = f"{many.setting()}; {options.rounds} interleaved rounds, pages of {PAGE_SIZE}"
    report.notes.append("There is no JSON list yet: its two figures are measured when the public API has one.")
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    run(lambda: measure(options))


if __name__ == "__main__":
    main()
