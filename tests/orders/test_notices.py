"""What the shop's staff is told, when, and when not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connections.connectors.types import ParcelItem, RemoteStatus, ShopState
from connections.models import OutboxMessage, OutboxStatus
from connections.outbox import Postponed, Withdrawn
from orders.models import Order, ShopNotice
from orders.models.shipment import Cancellation
from orders.services import events
from orders.services.effects import TellShop
from orders.services.events import CancelledByHand, Piece
from orders.services.handle import Conflict, cancel, handle_manually, resend
from tests.factories import ConnectionFactory, OrderFactory, OrderItemFactory
from tests.orders.test_apply import happens, marketplace_says, parcel, shop_says, timeline
from tests.world import examples_registered

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    """A mug, and three teas, in the shop."""
    order: Order = OrderFactory(order_connection__project=project, shop_order_id="77")
    OrderItemFactory(order=order, product_id="TEA", quantity=3)
    return order


def told() -> list[tuple[str, str]]:
    return list(ShopNotice.objects.order_by("number").values_list("kind", "text"))


def messages() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind="tell_shop").order_by("id"))


def tea(order: Order) -> Piece:
    return Piece(order.items.get(product_id="TEA").pk)


def requested(order: Order, *, now: bool = True) -> Order:
    return happens(order, marketplace_says(order, cancellation_requested=now))


def test_a_request_and_its_end_are_told(order: Order) -> None:
    requested(order)
    requested(order)  # read again
    requested(order, now=False)
    assert [kind for kind, _text in told()] == ["requested", "withdrawn"]
    assert told()[0][1].startswith("The buyer asks bol to cancel this order.")
    assert [message.reference for message in messages()] == [f"{order.reference}-n1", f"{order.reference}-n2"]
    assert {message.connection_id for message in messages()} == {order.shop_id}


def test_cancelled_there_is_told(order: Order) -> None:
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    assert told() == [
        ("cancelled", "Cancelled at bol: do not ship this order. Cancel it here to get its stock back."),
    ]


def test_a_line_cancelled_there_is_told_by_its_name(order: Order) -> None:
    order = cancelled_line(order)
    assert order.status == "partial"
    assert told() == [("part_cancelled", "Cancelled at bol: do not ship 3 x TEA.")]


def cancelled_line(order: Order) -> Order:
    news = marketplace_says(order)
    items = [item if item.product_id == "MUG" else _cancelled(item) for item in news.data.items]
    return happens(order, events.MarketplaceNews(replace(news.data, items=items)))


def _cancelled(item: Any) -> Any:
    return replace(item, quantity_cancelled=item.quantity)


def test_cancelled_in_the_shop_is_no_news_there(order: Order) -> None:
    happens(order, shop_says(ShopState.CANCELLED))
    happens(order, events.CancellationConfirmed(Cancellation.objects.get().pk))
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    assert told() == []


def test_cancelled_by_hand_is_told_at_once_and_taken_back_when_refused(order: Order) -> None:
    cancel(order, CancelledByHand("1"), user=None)
    refusal = events.CancellationRefused(Cancellation.objects.get().pk, "cancellation.refused", "too late")
    happens(order, refusal)
    assert [kind for kind, _text in told()] == ["cancelled", "not_cancelled"]


def test_what_is_cancelled_after_a_part_was_shipped_is_named(order: Order) -> None:
    happens(order, shop_says(ShopState.OPEN, parcel("3SABCD12345678", ParcelItem("MUG", 1))))
    cancel(order, CancelledByHand("1"), user=None)
    assert told() == [("part_cancelled", "Cancelled at bol: do not ship 3 x TEA.")]


def test_nobody_is_told_where_the_order_is_not_or_the_shop_takes_none(project: Any, order: Order) -> None:
    absent = OrderFactory(order_connection__project=project)
    happens(absent, marketplace_says(absent, RemoteStatus.CANCELLED))
    mute = OrderFactory(order_connection__project=project, shop_order_id="1", shop=None)
    happens(mute, marketplace_says(mute, RemoteStatus.CANCELLED))
    handle_manually(order, user=None)
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    assert told() == []


def test_who_wants_no_cancellations_is_told_none(order: Order) -> None:
    type(order.order_connection).objects.update(settings={"retrieves_cancellations": False})
    requested(order)
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    assert told() == []


@pytest.mark.parametrize(("before", "kind"), [("cancelled", "cancelled"), ("requested", "requested")])
def test_what_happened_on_its_way_to_the_shop_is_told_when_it_is_there(project: Any, before: str, kind: str) -> None:
    order = OrderFactory(order_connection__project=project)
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED) if before == "cancelled" else marketplace_says(
        order, cancellation_requested=True))  # fmt: skip
    assert told() == []
    happens(order, events.CreatedInShop("9", "N9", adopted=True))
    assert [one for one, _text in told()] == [kind]


def test_a_shop_that_could_not_be_told_needs_a_person_also_for_a_closed_order(order: Order) -> None:
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    notice = ShopNotice.objects.get()
    OutboxMessage.objects.update(status=OutboxStatus.REJECTED)
    order = happens(order, events.ShopNotTold(notice.pk, "no such order"))
    assert (order.status, order.error_code) == ("cancelled", "shop.not_told")
    assert order in Order.objects.needing_attention()
    resend(order, user=None)
    order.refresh_from_db()
    assert (order.status, order.error_code, messages()[0].status) == ("cancelled", "", "ready")
    order = happens(order, events.ShopTold(notice.pk, "5"))
    assert timeline(order)[-1] == "shop.told"
    with pytest.raises(Conflict):
        resend(order, user=None)


def test_what_is_newer_makes_an_earlier_hold_void(order: Order) -> None:
    requested(order)
    requested(order, now=False)
    effect = TellShop()
    first, second = messages()
    with pytest.raises(Withdrawn, match="newer"):
        effect.check(first, effect.load(first))
    effect.check(second, effect.load(second))
    OutboxMessage.objects.filter(pk=first.pk).update(status=OutboxStatus.UNKNOWN)
    with pytest.raises(Postponed):  # a hold that may still be executed would undo its own end
        effect.check(second, effect.load(second))


def test_a_shop_without_notes_is_left_in_peace(project: Any) -> None:
    with examples_registered():
        order = OrderFactory(
            order_connection__project=project,
            order_connection__shop=ConnectionFactory(company=project.company, kind="example_shop"),
            shop_order_id="5",
        )
        happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    assert told() == []
