"""Search and the list at many orders: which orders are looked at, and by which indexes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from channable.tenants.models import Company
from channable.tenants.scope import company_scope
from connections.models import OrderConnection
from orders import listing
from orders.models import Order, Shipment
from orders.paging import Position, page_of
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

HOSTILE = ["gma", "com", "jo", "a", "7", "%", "_", "%%%", "\\", "é", "🦄", "x" * 200, "gmail.com " * 20, "sku 0", "50%"]


def searched(company: Company, term: str, *, most: int = 500, newest: int = 5000) -> list[int | None]:
    with company_scope(company.pk), database.cursor() as cursor:
        cursor.execute("SELECT search_orders(%s, %s, %s)", [term, most, newest])
        return [pk for (pk,) in cursor.fetchall()]


@pytest.fixture
def add(pair: OrderConnection) -> Callable[[str], int]:
    """Adds an order with this text, newer than those before."""
    start = timezone.now()

    def add(text: str) -> int:
        moment = start + timedelta(seconds=len(made))
        made.append(OrderFactory(order_connection=pair, search_text=text, created_at=moment).pk)
        return made[-1]

    made: list[int] = []
    return add


def copy_order(company: Company, pk: int, count: int) -> None:
    with company_scope(company.pk):
        values = Order.objects.values().get(pk=pk)
        copies = [Order(**{**values, "id": None, "external_id": f"A{number}"}) for number in range(count)]
        Order.objects.bulk_create(copies)


def test_the_newest_orders_come_first_and_older_ones_through_the_index(
    company: Company, add: Callable[[str], int]
) -> None:
    old, *_others, new = [add(text) for text in ("ada red mug", "bram tea", "carla tea", "dirk tea", "eva red mug")]
    assert searched(company, "Red Mug", newest=2) == [new, old]
    assert searched(company, "red mug", newest=10) == [new, old]


def test_a_text_that_no_index_serves_is_looked_for_in_the_newest_orders(
    company: Company, add: Callable[[str], int]
) -> None:
    add("ada mug")
    new = add("ada tea")
    assert searched(company, "a", newest=1) == [new, None]  # None: there may be more
    assert searched(company, "%", newest=1) == [None]
    assert searched(company, "%", newest=5) == []


def test_a_text_that_many_have_is_not_looked_for_any_further(company: Company, add: Callable[[str], int]) -> None:
    ids = [add("ada mug") for _ in range(5)]
    assert searched(company, "mug", most=2, newest=3) == [ids[4], ids[3], None]


def test_what_common_parts_do_not_narrow_is_not_read_order_by_order(
    company: Company, add: Callable[[str], int]
) -> None:
    """Each of the newest 220, of which every 16th is looked at, has its only part."""
    add("mug mug tea")
    copy_order(company, add("ada mug"), 230)
    assert searched(company, "mug mug", newest=220) == [None]


@pytest.mark.parametrize("newest", [1, 5000])
@pytest.mark.parametrize("term", HOSTILE)
def test_no_search_reads_the_table_from_end_to_end(
    company: Company, add: Callable[[str], int], term: str, newest: int
) -> None:
    for text in ("anna gmail.com sku 0 7", "bob 50%"):
        add(text)
    before = sequential_scans()
    searched(company, term, newest=newest)
    assert sequential_scans() == before


def sequential_scans() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'orders_order'")
        return int(cursor.fetchone()[0])


def test_a_search_that_takes_too_long_answers_what_it_has(inside: Company) -> None:
    owner = psycopg.conninfo.make_conninfo(settings.DATABASE_OWNER_URL, dbname=database.settings_dict["NAME"])
    with psycopg.connect(owner) as other:
        other.execute("LOCK TABLE orders_order IN ACCESS EXCLUSIVE MODE")
        assert listing.found_by(inside.pk, "mug") == listing.Found([], is_cut=True)
    with database.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_an_order_is_found_by_its_whole_tracking_code_in_any_case(company: Company, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, search_text="")
    with company_scope(company.pk):
        Shipment.objects.create(
            company=company, order=order, number=1, source_ref="p1", tracking_code="3SYZXG1", shipped_at=timezone.now()
        )
        for term in ("3SYZXG1", "3syzxg1"):
            assert listing.found_by(company.pk, term).ids == [order.pk]
        assert listing.found_by(company.pk, "3SYZXG").ids == []


def test_numbers_are_found_in_small_letters_too(company: Company, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, number="C00A1", shop_number="W77", search_text="")
    with company_scope(company.pk):
        for term in ("c00a", "C00A1", "w77"):
            assert listing.found_by(company.pk, term).ids == [order.pk]


def test_the_page_says_when_not_all_orders_were_looked_through(
    client: Client, company: Company, pair: OrderConnection
) -> None:
    url = f"/companies/{company.pk}/orders/"
    order = OrderFactory(order_connection=pair, search_text="mug")
    assert client.get(url, {"q": "%"}).context["is_cut"] is False
    copy_order(company, order.pk, 501)
    page = client.get(url, {"q": "mug"})
    assert page.context["is_cut"] is True
    assert "Not all orders are looked through" in page.content.decode()


# -- plans: what an index can serve it does, also under row-level security ----------------------------


def plan(statement: str, values: object = None, *, discouraged: tuple[str, ...] = ("seqscan",)) -> str:
    """With these discouraged one is left only where no index can serve."""
    with database.cursor() as cursor:
        for method in discouraged:
            cursor.execute(f"SET LOCAL enable_{method} = off")
        cursor.execute(f"EXPLAIN {statement}", values)
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("tab", listing.TABS, ids=lambda tab: tab.key)
def test_each_tab_is_counted_and_paged_by_an_index(inside: Company, tab: listing.Tab) -> None:
    assert "Seq Scan" not in plan(listing.count_of(tab), [inside.pk])
    orders = tab.narrow(Order.objects.all()).values("id").order_by("-created_at", "-id")[:51]
    assert "Seq Scan" not in plan(*orders.query.sql_with_params())


def test_a_page_far_down_begins_at_its_row_in_the_index(inside: Company, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair)
    with database.execute_wrapper(keep := Kept()):
        page_of(Order.objects.values("id", "created_at"), Position(order.created_at, order.pk), by="created_at")
    (statement, values) = keep.statements[-1]
    shape = plan(statement, values, discouraged=("seqscan", "bitmapscan", "sort", "incremental_sort"))
    assert "Sort" not in shape
    (condition,) = (line for line in shape.splitlines() if "Index Cond" in line)
    assert "company_id = " in condition and "created_at <=" in condition


class Kept:
    """Keeps the statements that the product sends."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, object]] = []

    def __call__(self, execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        self.statements.append((sql, params))
        return execute(sql, params, many, context)


@pytest.mark.parametrize("term", ["7", "W", "3SYZXG1", "3syzxg1"])
def test_numbers_and_codes_are_found_by_indexes(inside: Company, term: str) -> None:
    with database.execute_wrapper(keep := Kept()):
        listing._by_number(inside.pk, term + "1")
    (statement, values) = keep.statements[-1]
    assert "Seq Scan" not in plan(statement, values)
