"""The list and the page of an order."""

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
from channable.tenants.roles import Role
from channable.tenants.scope import company_scope
from connections.models import Exchange, OrderConnection
from orders import listing
from orders.look import STATUS_LOOK
from orders.models import Order
from orders.states import OrderStatus
from tests.factories import (
    OrderConnectionFactory,
    OrderEventFactory,
    OrderFactory,
    OutboxMessageFactory,
    ProjectFactory,
    RefusedRecordFactory,
    member,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(company: Company) -> OrderConnection:
    pair: OrderConnection = OrderConnectionFactory(project=ProjectFactory(company=company))
    return pair


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


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
    made = {OrderFactory(order_connection=pair, created_at=moment).number for _ in range(2 * listing.PAGE_SIZE + 7)}
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
    assert numbers(back) == seen[listing.PAGE_SIZE : 2 * listing.PAGE_SIZE]


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


def test_htmx_gets_the_table_alone(client: Client, company: Company, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair)
    page = client.get(f"/companies/{company.pk}/orders/", headers={"HX-Request": "true"}).content.decode()
    assert order.number in page
    assert "<html" not in page


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


# -- one order --------------------------------------------------------------------------------------


def detail(client: Client, order: Order) -> Any:
    response = client.get(f"/companies/{order.company_id}/orders/{order.pk}/")
    assert response.status_code == 200
    return response


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_says_what_is_next(client: Client, pair: OrderConnection, status: OrderStatus) -> None:
    order = OrderFactory(order_connection=pair, status=status, shop_order_id="7")
    page = detail(client, order).content.decode()
    assert str(STATUS_LOOK[status].next_title).replace("'", "&#x27;") in page


def test_an_error_is_told_with_its_one_button(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(
        order_connection=pair, error_code="product.not_found", error_detail="SKU MUG", error_since=timezone.now()
    )
    page = detail(client, order).content.decode()
    assert "A product was not found in the shop" in page
    assert "Give the product this SKU in the shop, then resend." in page
    assert f"/orders/{order.pk}/resend/" in page
    assert "SKU MUG" in page


def test_resend_and_manual_work_from_the_page(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, error_code="product.not_found")
    response = client.post(f"/companies/{order.company_id}/orders/{order.pk}/resend/", follow=True)
    assert "It is tried again" in response.content.decode()
    with company_scope(order.company_id):
        order.refresh_from_db()
    assert order.error_code == ""
    client.post(f"/companies/{order.company_id}/orders/{order.pk}/manual/")
    with company_scope(order.company_id):
        order.refresh_from_db()
        event = order.events.filter(code="order.taken_manually").get()
    assert (order.status, event.user_id, event.actor) == ("manual", int(client.session["_auth_user_id"]), "user")


def test_what_is_not_possible_is_said(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, status="shipped")
    page = client.post(f"/companies/{order.company_id}/orders/{order.pk}/resend/", follow=True).content.decode()
    assert "This order is closed" in page


def test_the_timeline_shows_the_exchange_to_those_who_may_see_it(
    client: Client, company: Company, bob: User, pair: OrderConnection
) -> None:
    order = OrderFactory(order_connection=pair)
    message = OutboxMessageFactory(connection=pair.shop, subject_id=order.pk)
    OrderEventFactory(order=order, message_id=message.pk, message="Order sent to WooCommerce: 7")
    with company_scope(company.pk):
        Exchange.objects.create(
            company=company, connection_id=pair.shop_id, message_id=message.pk, started_at=timezone.now(), status=201,
            duration_ms=88, method="POST", url="https://shop.example.com/orders", response_body='{"id": 7}',
        )  # fmt: skip
    assert "{&quot;id&quot;: 7}" in detail(client, order).content.decode()
    reader = Client()
    reader.force_login(bob)
    page = detail(reader, order).content.decode()
    assert "Order sent to WooCommerce: 7" in page
    assert "{&quot;id&quot;: 7}" not in page


def test_the_page_of_an_order_takes_a_constant_number_of_queries(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair)

    def statements() -> int:
        with CaptureQueriesContext(database) as captured:
            detail(client, order)
        return len(captured)

    statements()
    few = statements()
    for number in range(20):
        OrderEventFactory(order=order, message=f"event {number}")
    assert statements() == few <= 24


def test_names_and_texts_are_escaped(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, customer_name="<img src=x onerror=alert(1)>")
    OrderEventFactory(order=order, message="<b>bold</b>")
    assert "<b>bold</b>" not in detail(client, order).content.decode()
    page = client.get(f"/companies/{order.company_id}/orders/").content.decode()
    assert "<img src=x" not in page


def test_times_are_in_the_persons_own_zone(company: Company, pair: OrderConnection) -> None:
    person = member(company, Role.OWNER, time_zone="America/New_York")
    client = Client()
    client.force_login(person)
    order = OrderFactory(order_connection=pair, ordered_at=datetime(2026, 3, 1, 3, 30, tzinfo=UTC))
    assert "10:30 p.m." in detail(client, order).content.decode()
