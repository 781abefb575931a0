"""The page of one order: what is next, what went wrong, what happened."""

from __future__ import annotations

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
from connections.models import Connection, Exchange, OrderConnection
from orders.look import STATUS_LOOK
from orders.models import Order
from orders.states import OrderStatus
from tests.factories import (
    OrderEventFactory,
    OrderFactory,
    OutboxMessageFactory,
    member,
)

pytestmark = pytest.mark.django_db
SOON = timezone.now() + timedelta(hours=1)


def detail(client: Client, order: Order) -> Any:
    response = client.get(f"/companies/{order.company_id}/orders/{order.pk}/")
    assert response.status_code == 200
    return response


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_says_what_is_next(client: Client, pair: OrderConnection, status: OrderStatus) -> None:
    order = OrderFactory(order_connection=pair, status=status, shop_order_id="7")
    page = detail(client, order).content.decode()
    assert str(STATUS_LOOK[status].next_title).replace("'", "&#x27;") in page


def test_a_paused_order_connection_holds_its_orders_up(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair)
    with company_scope(pair.company_id):
        OrderConnection.objects.filter(pk=pair.pk).update(is_active=False)
    page = detail(client, order).content.decode()
    assert "The order connection is paused" in page
    assert "Within a few minutes" not in page


@pytest.mark.parametrize(
    ("account", "message", "words"),
    [
        ({"state": "expired"}, {}, "has to be connected again"),
        ({"is_paused": True}, {}, "is paused"),
        ({"not_before": SOON}, {}, "is given a pause"),
        ({}, {"error_code": "connector.timeout", "not_before": SOON}, "It is tried again"),
    ],
)
def test_what_holds_a_message_up_is_told(
    client: Client, pair: OrderConnection, account: dict[str, Any], message: dict[str, Any], words: str
) -> None:
    order = OrderFactory(order_connection=pair)
    OutboxMessageFactory(connection=pair.shop, subject_id=order.pk, **message)
    with company_scope(pair.company_id):
        Connection.objects.filter(pk=pair.shop_id).update(**{"label": "Webshop", **account})
    page = detail(client, order).content.decode()
    assert words in page
    assert "It is being created in your shop" not in page


def test_an_error_is_told_with_its_one_button(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(
        order_connection=pair, error_code="product.not_found", error_detail="SKU MUG", error_since=timezone.now()
    )
    page = detail(client, order).content.decode()
    assert "A product was not found in the shop" in page
    assert "Link the product here, or give it this SKU in the shop and resend." in page
    assert f"/orders/{order.pk}/?do=link#link" in page
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


def test_a_call_that_led_to_nothing_yet_stands_by_itself(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair)
    now = timezone.now()
    OrderEventFactory(order=order, message="Received from bol.", recorded_at=now - timedelta(minutes=9))
    OrderEventFactory(order=order, message="Its address changed.", recorded_at=now - timedelta(minutes=1))
    message = OutboxMessageFactory(connection=pair.shop, subject_id=order.pk)
    with company_scope(pair.company_id):
        Exchange.objects.create(
            company_id=pair.company_id, connection_id=pair.shop_id, message_id=message.pk, status=503, method="POST",
            started_at=now - timedelta(minutes=5), duration_ms=9, url="https://shop.example.com/orders?key=secret",
        )  # fmt: skip
    entries = detail(client, order).context["timeline"]
    assert [len(entry["exchanges"]) for entry in entries] == [0, 1, 0]
    assert entries[1]["exchanges"][0]["path"] == "/orders"


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
