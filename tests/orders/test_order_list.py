"""The list of orders: paging, tabs, search, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channable.tenants.models import Company, User
from connections.models import OrderConnection
from orders import listing
from orders.paging import PAGE_SIZE
from orders.presenters import around_the_table
from tests.factories import (
    OrderFactory,
    RefusedRecordFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def list_page(client: Client, company: Company) -> Callable[..., str]:
    def get(**query: str) -> str:
        response = client.get(f"/companies/{company.pk}/orders/", query)
        assert response.status_code == 200
        return response.content.decode()

    return get


def numbers(context: Any) -> list[str]:
    return [row["number"] for row in context["orders"]]


# -- paging -----------------------------------------------------------------------------------------


def test_pages_hold_every_order_once_even_when_all_are_of_one_moment(
    client: Client, company: Company, pair: OrderConnection
) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    made = {OrderFactory(order_connection=pair, created_at=moment).number for _ in range(2 * PAGE_SIZE + 7)}
    seen: list[str] = []
    url: str | None = f"/companies/{company.pk}/orders/"
    urls = []
    while url:
        context = client.get(url).context
        seen += numbers(context)
        urls.append(url)
        url = context["page"]["older_url"]
    assert len(seen) == len(set(seen)) == len(made)
    back = client.get(client.get(urls[-1]).context["page"]["newer_url"]).context
    assert numbers(back) == seen[PAGE_SIZE : 2 * PAGE_SIZE]


@pytest.mark.parametrize("place", ["nonsense", "", "!!!", "bzIwMjY", "o2026-01-01~1", "bzIwMjYtMDEtMDFUMDA6MDA6MDB-MQ"])
def test_a_place_that_is_none_of_ours_leads_to_the_top(list_page: Any, pair: OrderConnection, place: str) -> None:
    order = OrderFactory(order_connection=pair)
    assert order.number in list_page(at=place)


def test_newest_first_by_when_we_learned_of_it(client: Client, company: Company, pair: OrderConnection) -> None:
    now = timezone.now()
    late = OrderFactory(order_connection=pair, created_at=now, ordered_at=now - timedelta(days=3))
    early = OrderFactory(order_connection=pair, created_at=now - timedelta(hours=1), ordered_at=now)
    context = client.get(f"/companies/{company.pk}/orders/").context
    assert numbers(context) == [late.number, early.number]


# -- tabs and search --------------------------------------------------------------------------------


def test_tabs_count_and_show_their_orders(client: Client, company: Company, pair: OrderConnection) -> None:
    for status in ("not_shipped", "not_shipped", "waiting", "processing", "shipped", "cancellation_request"):
        OrderFactory(order_connection=pair, status=status)
    OrderFactory(order_connection=pair, error_code="product.not_found")
    url = f"/companies/{company.pk}/orders/"
    tabs = {tab["key"]: tab["count"] for tab in client.get(url).context["tabs"]}
    assert tabs == {
        "all": 7,
        "attention": 2,
        "not_shipped": 3,
        "waiting": 1,
        "pending": 1,
        "shipped": 1,
        "cancelled": 0,
    }
    for key, count in tabs.items():
        assert len(numbers(client.get(url, {"tab": key}).context)) == count


@pytest.mark.parametrize(
    ("term", "field"),
    [("BOL-1001", "number"), ("BOL-1", "number"), ("W-77", "shop_number"), ("de vries", "customer_name"), ("MUG", "")],
)
def test_orders_are_found_by_numbers_customer_and_product(
    client: Client, company: Company, pair: OrderConnection, term: str, field: str
) -> None:
    wanted = OrderFactory(
        order_connection=pair,
        number="BOL-1001",
        external_id="BOL-1001",
        shop_number="W-77",
        customer_name="Ada de Vries",
    )
    OrderFactory(order_connection=pair, customer_name="Jip Smit", search_text="other tea", number="X-9")
    context = client.get(f"/companies/{company.pk}/orders/", {"q": term}).context
    assert numbers(context) == [wanted.number]


@pytest.mark.parametrize("term", ["%", "_", "\\", "'", "\x00", "%00", "<script>", "🦄", "a" * 5000, "1; DROP TABLE"])
def test_any_search_text_is_taken_as_text(list_page: Any, pair: OrderConnection, term: str) -> None:
    order = OrderFactory(order_connection=pair)
    page = list_page(q=term)
    assert "<script>alert" not in page
    assert order.number not in page or term == "\x00"


@pytest.mark.parametrize("term", ["SECRET-1", "secret"])
def test_orders_of_another_company_are_not_found(client: Client, company: Company, term: str) -> None:
    OrderFactory(number="SECRET-1", external_id="SECRET-1", search_text="secret-1")
    assert numbers(client.get(f"/companies/{company.pk}/orders/", {"q": term}).context) == []


@pytest.mark.parametrize("query", ["pair=²", "pair=" + "9" * 40, "tab=nothing", "error=%00", "at=%F0", "q=%ED%A0%80"])
def test_a_query_that_makes_no_sense_breaks_nothing(
    client: Client, company: Company, pair: OrderConnection, query: str
) -> None:
    OrderFactory(order_connection=pair)
    assert client.get(f"/companies/{company.pk}/orders/?{query}").status_code == 200


def test_open_tabs_are_counted_to_the_end_and_closed_ones_up_to_a_limit(company: Company) -> None:
    counts = dict.fromkeys(listing.BY_KEY, 0) | {"not_shipped": 12_345, "attention": 10_001, "shipped": 10_001}
    tabs = {tab["key"]: tab for tab in around_the_table(company.pk, listing.Asked(), counts)["tabs"]}
    assert (tabs["not_shipped"]["count"], tabs["not_shipped"]["is_capped"]) == (12_345, False)
    assert (tabs["attention"]["count"], tabs["attention"]["is_capped"]) == (10_001, False)
    assert (tabs["shipped"]["count"], tabs["shipped"]["is_capped"]) == (10_000, True)


def test_htmx_gets_the_table_alone(client: Client, company: Company, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair)
    page = client.get(f"/companies/{company.pk}/orders/", headers={"HX-Request": "true"}).content.decode()
    assert order.number in page
    assert "<html" not in page


def test_going_back_in_history_gets_the_whole_page(client: Client, company: Company, pair: OrderConnection) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    response = client.get(f"/companies/{company.pk}/orders/", headers=headers)
    assert "<html" in response.content.decode()
    assert "HX-Request" in response.headers["Vary"]


def test_an_empty_list_says_what_is_next(list_page: Any, company: Company) -> None:
    page = list_page()
    assert "No orders yet" in page
    assert f"/companies/{company.pk}/order-connections/" in page
    assert "No order matches" in list_page(q="nothing")


def test_the_list_takes_a_constant_number_of_queries(client: Client, company: Company, pair: OrderConnection) -> None:
    url = f"/companies/{company.pk}/orders/"

    def statements() -> int:
        with CaptureQueriesContext(database) as captured:
            client.get(url)
        return len(captured)

    OrderFactory(order_connection=pair)
    statements()
    few = statements()
    for _ in range(30):
        OrderFactory(order_connection=pair, error_code="product.not_found")
    assert statements() == few <= 20


def test_what_could_not_be_read_is_shown_above_the_list(list_page: Any, client: Client, pair: OrderConnection) -> None:
    record = RefusedRecordFactory(connection=pair.marketplace)
    assert "1 order could not be read" in list_page()
    page = client.get(f"/companies/{pair.company_id}/orders/unreadable/").content.decode()
    assert record.external_id in page
    assert "orderItems[0].quantity is missing" in page
    assert "orderId" in page  # its payload


def test_payloads_are_for_those_who_handle_orders(company: Company, bob: User, pair: OrderConnection) -> None:
    RefusedRecordFactory(connection=pair.marketplace, payload={"secretName": "Ada"})
    client = Client()
    client.force_login(bob)
    page = client.get(f"/companies/{company.pk}/orders/unreadable/").content.decode()
    assert "secretName" not in page
