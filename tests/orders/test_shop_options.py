"""How an order is to look in the shop: by the settings, and by who ships it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.types import AddressData, ItemData, OrderData, RemoteStatus
from connections.models import OrderConnection
from connections.options import Options, WrongOption
from orders.models import Order
from orders.services.effects.creation import as_wanted, shop_options
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


def test_a_delivery_method_has_its_own_shipping_method(order: Order) -> None:
    Order.objects.update(delivery_method="PICK_UP_POINT")
    methods = {"PICK_UP_POINT": "Pickup"}
    assert options(order, shipping_method="Post", shipping_methods=methods).shipping_method == "Pickup"
    Order.objects.update(delivery_method="REGULAR")
    assert options(order, shipping_method="Post", shipping_methods=methods).shipping_method == "Post"


def data(**values: Any) -> OrderData:
    address = AddressData()
    item = ItemData("1", "MUG", 2, Decimal("20.00"), discount=Decimal("3.00"))
    given = {"total": Decimal("36.50"), "discount": Decimal("5.00"), "transaction_fee": Decimal("1.50"), **values}
    return OrderData("A1", RemoteStatus.OPEN, datetime(2026, 3, 2, tzinfo=UTC), "EUR", items=[item], billing=address,
                     shipping_address=address, **given)  # fmt: skip


def test_by_default_everything_is_included() -> None:
    assert as_wanted(data(), Options()) == data()


def test_without_discounts_the_full_price_is_paid() -> None:
    found = as_wanted(data(), Options(includes_discount=False))
    assert (found.items[0].discount, found.discount, found.total) == (0, 0, Decimal("41.50"))
    only_of_lines = as_wanted(data(discount=Decimal(0)), Options(includes_discount=False))
    assert only_of_lines.total == Decimal("39.50")


def test_without_the_transaction_fee_the_total_is_less() -> None:
    found = as_wanted(data(), Options(includes_transaction_fee=False))
    assert (found.transaction_fee, found.total) == (0, Decimal("35.00"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"shipping_methods": ["Post"]},
        {"shipping_methods": {"A": 1}},
        {"includes_discount": "no"},
        {"return_decision": "maybe"},
        {"refunds_in_shop": 1},
    ],
)
def test_impossible_values_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongOption):
        Options.checked(wrong)
