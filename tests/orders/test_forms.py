"""The forms of an order's page: shown where something can be told, and kept with what is wrong in them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channable.tenants.models import Company, User
from channable.tenants.scope import company_scope
from connections.models import OrderConnection
from orders.models import Order, ProductLink
from orders.models.shipment import Cancellation, Shipment
from orders.states import OrderStatus
from tests.factories import OrderFactory, OrderItemFactory, ProjectFactory
from tests.orders.test_by_hand import picky

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(pair: OrderConnection) -> Order:
    """A mug, and three teas, in the shop."""
    order: Order = OrderFactory(order_connection=pair, shop_order_id="7")
    OrderItemFactory(order=order, product_id="TEA", title="Tea", quantity=3)
    return order


def url(order: Order, name: str = "") -> str:
    return f"/companies/{order.company_id}/orders/{order.pk}/{name}"


def filled(client: Client, order: Order, name: str, **values: Any) -> dict[str, Any]:
    """What a browser would send: the form as it is shown, and what a person changes in it."""
    shown = {one["name"]: one["form"] for one in client.get(url(order)).context["forms"]}
    form = shown[name]
    initial = {field.name: field.value() for field in form}
    return {**{key: "" if value is None else value for key, value in initial.items()}, **values}


def item_field(order: Order, sku: str) -> str:
    with company_scope(order.company_id):
        return f"item_{order.items.get(product_id=sku).pk}"


def test_a_shipment_is_confirmed_from_the_page(client: Client, order: Order) -> None:
    data = filled(client, order, "ship", tracking_code=" 3SABCD12345678 ", transporter="DHL")
    data[item_field(order, "TEA")] = 2
    page = client.post(url(order, "ship/"), data, follow=True).content.decode()
    assert "The shipment goes to the marketplace." in page
    with company_scope(order.company_id):
        shipment = Shipment.objects.get()
        order.refresh_from_db()
    assert (shipment.tracking_code, shipment.transporter, order.status) == ("3SABCD12345678", "DHL", "partial")


def test_the_same_form_sent_twice_ships_once(client: Client, order: Order) -> None:
    data = filled(client, order, "ship")
    data[item_field(order, "MUG")] = 0
    data[item_field(order, "TEA")] = 1
    for _ in range(2):
        client.post(url(order, "ship/"), data)
    with company_scope(order.company_id):
        assert Shipment.objects.count() == 1


def test_items_are_cancelled_from_the_page(client: Client, order: Order) -> None:
    data = filled(client, order, "cancel", reason="wrong_price")
    data[item_field(order, "MUG")] = 0
    page = client.post(url(order, "cancel/"), data, follow=True).content.decode()
    assert "The cancellation goes to the marketplace." in page
    with company_scope(order.company_id):
        order.refresh_from_db()
        assert (Cancellation.objects.get().reason, order.status) == ("wrong_price", "partial")


@pytest.mark.parametrize("name", ["ship", "cancel"])
@pytest.mark.parametrize(
    ("values", "words"),
    [({"TEA": 4}, "less than or equal to 3"), ({"TEA": -1}, "greater than or equal to 0"),
     ({"TEA": "x"}, "Enter a whole number"), ({"MUG": 0, "TEA": 0}, "Choose at least one item.")],
)  # fmt: skip
def test_a_wrong_form_is_shown_again_open_and_changes_nothing(
    client: Client, order: Order, name: str, values: dict[str, Any], words: str
) -> None:
    data = filled(client, order, name) | {item_field(order, sku): value for sku, value in values.items()}
    response = client.post(url(order, f"{name}/"), data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert [one["name"] for one in response.context["forms"] if one["is_open"]] == [name]
    with company_scope(order.company_id):
        order.refresh_from_db()
    assert order.status == "not_shipped"


def test_what_the_marketplace_cannot_do_is_said_on_the_page(client: Client, order: Order) -> None:
    data = filled(client, order, "cancel")
    data[item_field(order, "TEA")] = 1
    page = client.post(url(order, "cancel/"), data, follow=True).content.decode()
    assert "bol cancels all of an item or nothing of it." in page


def test_an_empty_form_is_answered_with_what_is_missing(client: Client, order: Order) -> None:
    for name in ("ship", "cancel"):
        assert client.post(url(order, f"{name}/")).status_code == 422


@pytest.mark.parametrize(
    ("status", "forms"),
    [
        (OrderStatus.NOT_SHIPPED, ["ship", "cancel"]),
        (OrderStatus.MANUAL, ["cancel"]),
        (OrderStatus.SHIPPED, []),
        (OrderStatus.PENDING_SHIPMENT, []),
        (OrderStatus.AWAITING_CONFIRMATION, []),
    ],
)
def test_only_what_can_be_told_is_offered(
    client: Client, pair: OrderConnection, status: OrderStatus, forms: list[str]
) -> None:
    order = OrderFactory(order_connection=pair, status=status)
    assert [one["name"] for one in client.get(url(order)).context["forms"]] == forms


def test_a_reader_is_offered_nothing(bob: User, order: Order) -> None:
    client = Client()
    client.force_login(bob)
    assert client.get(url(order)).context["forms"] == []


def test_a_request_of_the_buyer_is_accepted_with_its_reason(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, status="cancellation_request", cancellation_requested=True)
    page = client.get(url(order)).content.decode()
    assert "Accept the cancellation" in page
    client.post(url(order, "cancel/"), filled(client, order, "cancel"))
    with company_scope(order.company_id):
        assert Cancellation.objects.get().reason == "customer_request"


def test_an_error_that_wants_a_code_opens_the_form(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair, status="waiting", error_code="shipment.code_needed", shop_order_id="7")
    action = client.get(url(order)).context["problem"]["action"]
    assert action["url"] == f"{url(order)}?do=ship#ship"
    opened = client.get(action["url"]).context["forms"]
    assert [one["name"] for one in opened if one["is_open"]] == ["ship"]


def test_what_this_marketplace_has_no_use_for_is_not_asked(client: Client, order: Order) -> None:
    form = client.get(url(order)).context["forms"][0]["form"]
    assert [name for name in form.fields if not name.startswith("item_")] == ["once", "tracking_code", "transporter"]


@pytest.mark.parametrize(
    ("capability", "field"),
    [
        ("requires_tracking", "tracking_code"),
        ("requires_return_tracking", "return_tracking_code"),
        ("takes_delivery_note", "delivery_bill_id"),
    ],
)
def test_what_a_marketplace_wants_is_asked(client: Client, company: Company, capability: str, field: str) -> None:
    with company_scope(company.pk), picky(ProjectFactory(company=company), **{capability: True}) as order:
        form = client.get(url(order)).context["forms"][0]["form"]
        assert form.fields[field].required == (capability != "takes_delivery_note")
        data = filled(client, order, "ship", tracking_code="X1", transporter="DHL") | {field: "Y-1"}
        client.post(url(order, "ship/"), data)
        assert getattr(Shipment.objects.get(), field) == "Y-1"


def test_forms_take_no_more_queries_for_more_items(client: Client, pair: OrderConnection) -> None:
    order = OrderFactory(order_connection=pair)

    def statements() -> int:
        with CaptureQueriesContext(database) as captured:
            client.get(url(order))
        return len(captured)

    statements()
    few = statements()
    for _ in range(5):
        OrderItemFactory(order=order)
    assert statements() == few


def test_a_product_is_linked_from_the_page_and_its_orders_are_sent(client: Client, pair: OrderConnection) -> None:
    first, second = (OrderFactory(order_connection=pair, error_code="product.not_found") for _ in range(2))
    action = client.get(url(first)).context["problem"]["action"]
    assert action["url"] == f"{url(first)}?do=link#link"
    assert [one["name"] for one in client.get(action["url"]).context["forms"] if one["is_open"]] == ["link"]
    wrong = client.post(url(first, "link/"), {"product_id": "NOT-THERE", "shop_product_id": ""})
    assert wrong.status_code == 422
    given = {"product_id": "MUG", "shop_product_id": "CUP-7"}
    page = client.post(url(first, "link/"), given, follow=True).content.decode()
    assert "The product is linked. 2 orders are sent to the shop." in page
    with company_scope(pair.company_id):
        assert ProductLink.objects.get().shop_product_id == "CUP-7"
        assert Order.objects.filter(error_code="").count() == 2
    assert [one["name"] for one in client.get(url(second)).context["forms"]] == ["ship", "cancel"]
