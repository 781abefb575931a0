"""How an order is to look in the shop: by the settings, and by who ships it."""

from __future__ import annotations

from typing import Any

import pytest

from connections.models import OrderConnection
from orders.models import Order
from orders.services.effects.creation import shop_options
from tests.factories import OrderFactory

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    order: Order = OrderFactory(order_connection__project=project, external_id="A1", number="A1")
    return order


def options(order: Order, **settings: Any) -> Any:
    OrderConnection.objects.filter(pk=order.order_connection_id).update(settings=settings)
    return shop_options(Order.objects.select_related("connection", "order_connection").get(pk=order.pk))


def test_by_default_it_has_the_marketplaces_number_and_no_tag(order: Order) -> None:
    found = options(order)
    assert (found.number, found.marketplace_name, found.memo, found.tag) == ("A1", "bol", "Order A1 from bol", "")
    assert (found.checks_stock, found.is_test) == (True, False)


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"number_scheme": "shop"}, ""),
        ({"number_scheme": "prefix", "number_prefix": "BOL-"}, "BOL-A1"),
        ({"number_prefix": "BOL-"}, "A1"),
    ],
)
def test_numbers_follow_their_scheme(order: Order, given: dict[str, str], number: str) -> None:
    assert options(order, **given).number == number


def test_what_the_settings_say_is_handed_on(order: Order) -> None:
    found = options(order, payment_method="Invoice", shipping_method="Post", tag="market", checks_stock=False)
    assert (found.payment_method, found.shipping_method, found.tag, found.checks_stock) == (
        "Invoice",
        "Post",
        "market",
        False,
    )


def test_an_order_that_the_marketplace_ships_says_so_to_those_who_pack(order: Order) -> None:
    Order.objects.update(fulfilment_type="marketplace")
    found = options(order, tag="market")
    assert found.memo == "Order A1 from bol\nbol ships this order itself: do not ship it."
    assert found.tag == "market, Fulfilled by bol"


def test_an_order_with_the_marketplaces_label_says_so(order: Order) -> None:
    Order.objects.update(uses_marketplace_label=True)
    assert options(order).memo == "Order A1 from bol\nShip it with the label of bol."
