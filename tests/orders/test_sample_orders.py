"""Test orders: to the shop, marked, and to no marketplace."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.errors import DataError
from connections.connectors.types import ShopState
from connections.models import OrderConnection, OutboxMessage
from connections.outbox import Postponed
from orders.models import Order, OrderPayload, SyncedOrder
from orders.models.shipment import DecisionStatus, Shipment
from orders.services import events
from orders.services.effects import CreateOrder
from orders.services.events import CancelledByHand
from orders.services.handle import cancel
from orders.services.sample_orders import Wanted, send_test_order
from tests.factories import OrderConnectionFactory
from tests.orders.test_apply import happens, parcel, shop_says, timeline

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def pair(inside: Any, project: Any) -> OrderConnection:
    pair: OrderConnection = OrderConnectionFactory(project=project)
    return pair


@pytest.fixture
def order(pair: OrderConnection) -> Order:
    return send_test_order(pair, Wanted("MUG", 2, Decimal("5.00"), "BE"))


def test_it_is_an_order_like_any_other_and_marked(order: Order, pair: OrderConnection) -> None:
    assert order.is_test
    assert order.number.startswith("TEST-")
    assert (order.status, order.total_amount, order.country_code) == ("not_shipped", Decimal("10.00"), "BE")
    assert [(item.product_id, item.quantity) for item in order.items.all()] == [("MUG", 2)]
    assert timeline(order) == ["order.test"]
    assert OrderPayload.objects.count() == 0
    message = OutboxMessage.objects.get()
    assert (message.kind, message.connection_id, message.looks_first) == ("create_order", pair.shop_id, False)
    assert CreateOrder().load(message).options.is_test


def test_it_goes_out_before_the_order_connection_is_active_and_others_do_not(order: Order) -> None:
    OrderConnection.objects.update(is_active=False)
    message = OutboxMessage.objects.get()
    effect = CreateOrder()
    effect.check(message, effect.load(message))
    Order.objects.update(is_test=False)
    with pytest.raises(Postponed):
        effect.check(message, effect.load(message))


def test_shipped_in_the_shop_it_is_shipped_and_nobody_is_told(order: Order) -> None:
    happens(order, events.CreatedInShop("9"))
    order = happens(order, shop_says(ShopState.COMPLETED, parcel()))
    assert (order.status, Shipment.objects.get().status) == ("shipped", DecisionStatus.CONFIRMED)
    assert not OutboxMessage.objects.exclude(kind="create_order").exists()
    assert "order.test_ended" in timeline(order)


def test_without_a_code_it_waits_like_any_other(order: Order) -> None:
    happens(order, events.CreatedInShop("9"))
    order = happens(order, shop_says(ShopState.COMPLETED))
    assert order.status == "waiting"
    assert happens(order, events.WaitOver()).status == "shipped"


def test_cancelled_it_is_cancelled_and_the_marketplace_is_not_told(order: Order) -> None:
    happens(order, events.CreatedInShop("9"))
    cancel(order, CancelledByHand("1"), user=None)
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert not OutboxMessage.objects.filter(kind="cancel_order").exists()


def test_it_is_never_billed(order: Order) -> None:
    happens(order, events.CreatedInShop("9"))
    assert SyncedOrder.objects.count() == 0


@pytest.mark.parametrize("wrong", [Wanted("MUG", 0), Wanted("x" * 201), Wanted("MUG", 1, Decimal(-1))])
def test_what_no_order_can_have_is_refused(pair: OrderConnection, wrong: Wanted) -> None:
    with pytest.raises(DataError):
        send_test_order(pair, wrong)
    assert Order.objects.count() == 0


def test_two_are_two(pair: OrderConnection) -> None:
    numbers = {send_test_order(pair, Wanted("MUG")).number for _ in range(5)}
    assert len(numbers) == 5
