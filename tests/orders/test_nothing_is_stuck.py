"""No order stands still unseen: waits that were broken off, decisions that were withdrawn, orphans, closing there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connections.connectors.types import ParcelItem, RemoteStatus, ShopState
from connections.models import OrderConnection, OutboxMessage, OutboxStatus
from orders.models import Order, ShopNotice
from orders.models.shipment import Cancellation, Shipment
from orders.services import events
from orders.services.events import CancelledByHand, MarketplaceNews, Piece, ShippedByHand
from orders.services.handle import cancel, handle_manually, resend, ship
from orders.services.orphans import adopt_orphans, delete_order_connection
from orders.services.waiting import end_waits
from tests.factories import OrderFactory, OrderItemFactory
from tests.orders.test_apply import NOW, happens, marketplace_says, parcel, sent, shop_says, timeline

pytestmark = pytest.mark.usefixtures("inside")
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    """At bol and in the shop: a mug, and three teas."""
    order: Order = OrderFactory(order_connection__project=project, shop_order_id="77")
    OrderItemFactory(order=order, product_id="TEA", quantity=3)
    return order


def item(order: Order, sku: str) -> Piece:
    return Piece(order.items.get(product_id=sku).pk)


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


# -- waiting for a code ---------------------------------------------------------------------------------------


def test_the_rest_of_a_partial_order_is_sent_without_a_code_when_its_time_is_over(order: Order) -> None:
    first = parcel("3SAAAA11111111", ParcelItem("MUG", 1))
    happens(order, shop_says(ShopState.OPEN, first))
    order = happens(order, shop_says(ShopState.COMPLETED, first, at=LATER), at=LATER)
    assert (order.status, order.waiting_until) == ("partial", LATER + timedelta(hours=3))
    assert end_waits() == 1
    assert fresh(order).status == "pending_shipment"
    assert len(sent("confirm_shipment")) == 2


def test_a_part_that_is_shipped_by_hand_ends_no_wait(order: Order) -> None:
    order = happens(order, shop_says(ShopState.COMPLETED))
    until = order.waiting_until
    ship(order, ShippedByHand("1", (item(order, "MUG"),)), user=None)
    order.refresh_from_db()
    assert (order.status, order.waiting_until) == ("partial", until)


def test_a_wait_that_a_request_broke_off_begins_anew(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED))
    assert happens(order, marketplace_says(order, cancellation_requested=True)).waiting_until is None
    order = happens(order, marketplace_says(order), at=LATER)
    assert (order.status, order.waiting_until) == ("waiting", LATER + timedelta(hours=3))


def test_a_wait_that_a_person_broke_off_begins_anew_when_it_is_handed_back(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED))
    assert happens(order, events.TakenManually()).waiting_until is None
    order = happens(order, events.Resent(), at=LATER)
    assert (order.status, order.waiting_until) == ("waiting", LATER + timedelta(hours=3))


def test_a_parcel_that_was_refused_waits_for_a_person_and_not_for_its_code(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    happens(order, events.ShipmentRefused(Shipment.objects.get().pk, "shipment.refused", "no"))
    order = happens(order, shop_says(ShopState.COMPLETED, parcel(), at=LATER))
    assert (order.status, order.error_code, order.waiting_until) == ("not_shipped", "shipment.refused", None)


# -- closing at the marketplace -------------------------------------------------------------------------------


def all_shipped_there(order: Order) -> MarketplaceNews:
    """As bol tells it: each line says how much of it was shipped."""
    news = marketplace_says(order, RemoteStatus.SHIPPED)
    for line in news.data.items:
        object.__setattr__(line, "quantity_shipped", line.quantity)
    return news


def test_shipped_there_line_by_line_solves_the_error_and_says_who_did_it(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    happens(order, events.ShipmentRefused(Shipment.objects.get().pk, "shipment.refused", "no"))
    order = happens(order, all_shipped_there(order))
    assert (order.status, order.error_code) == ("shipped", "")
    assert "order.shipped_there" in timeline(order)


def test_shipped_there_line_by_line_withdraws_what_was_decided(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    happens(order, all_shipped_there(order))
    assert sent("confirm_shipment") == []
    assert Shipment.objects.get().status == "confirmed"


def test_news_of_a_closed_order_hide_no_error(order: Order) -> None:
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    happens(order, events.ShopNotTold(ShopNotice.objects.get().pk, "no such order"))
    assert happens(order, marketplace_says(order, RemoteStatus.CANCELLED)).error_code == "shop.not_told"


def test_a_refusal_that_comes_after_the_end_is_on_the_timeline(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED))
    order = happens(order, events.ShipmentRefused(Shipment.objects.get().pk, "shipment.refused", "no"))
    assert (order.error_code, timeline(order)[-1]) == ("", "shipment.refused")


# -- by a person ----------------------------------------------------------------------------------------------


def test_what_was_not_sent_is_open_again_when_a_person_takes_over(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    handle_manually(order, user=None)
    order = fresh(order)
    assert (order.status, {part.status for part in order.parts.all()}) == ("manual", {"open"})
    cancel(order, CancelledByHand("1"), user=None)
    assert fresh(order).status == "pending_cancellation"
    assert len(sent("cancel_order")) == 1


def test_handed_back_what_was_decided_is_sent(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    handle_manually(order, user=None)
    resend(fresh(order), user=None)
    assert fresh(order).status == "pending_shipment"
    assert [message.looks_first for message in sent("confirm_shipment")] == [True]


def test_a_cancellation_that_was_not_sent_leaves_the_order_manual(order: Order) -> None:
    cancel(order, CancelledByHand("1"), user=None)
    handle_manually(fresh(order), user=None)
    assert fresh(order).status == "manual"
    assert sent("cancel_order") == []
    resend(fresh(order), user=None)
    assert fresh(order).status == "pending_cancellation"
    assert len(sent("cancel_order")) == 1


def test_a_cancellation_that_is_on_its_way_settles_by_itself(order: Order) -> None:
    cancel(order, CancelledByHand("1"), user=None)
    OutboxMessage.objects.filter(kind="cancel_order").update(status=OutboxStatus.SENDING, first_sent_at=NOW)
    handle_manually(fresh(order), user=None)
    assert fresh(order).status == "pending_cancellation"
    assert happens(order, events.CancellationConfirmed(Cancellation.objects.get().pk)).status == "cancelled"


def test_a_notice_that_was_withheld_is_told_when_the_order_is_handed_back(order: Order) -> None:
    happens(order, marketplace_says(order, cancellation_requested=True))
    handle_manually(fresh(order), user=None)
    OutboxMessage.objects.filter(kind="tell_shop").update(status=OutboxStatus.WITHDRAWN)  # as the sender did
    resend(fresh(order), user=None)
    assert len(sent("tell_shop")) == 1


def test_an_unconfirmed_order_can_be_handled_manually_too(inside: Any, project: Any) -> None:
    order = OrderFactory(order_connection__project=project, status="awaiting_confirmation", is_confirmed=False)
    handle_manually(order, user=None)
    assert fresh(order).status == "manual"
    resend(fresh(order), user=None)
    assert fresh(order).status == "awaiting_confirmation"
    assert sent("create_order") == []


# -- the buyer's request --------------------------------------------------------------------------------------


def test_an_order_with_a_request_that_is_verified_again_does_not_go_to_the_shop(inside: Any, project: Any) -> None:
    order = OrderFactory(order_connection__project=project)
    happens(order, marketplace_says(order, cancellation_requested=True))
    order = happens(order, marketplace_says(order, RemoteStatus.UNCONFIRMED, cancellation_requested=True))
    assert (order.status, order.is_confirmed) == ("awaiting_confirmation", False)


def test_a_request_that_is_taken_back_while_it_is_granted_tells_nobody_to_ship(order: Order) -> None:
    happens(order, marketplace_says(order, cancellation_requested=True))
    cancel(fresh(order), CancelledByHand("1"), user=None)
    happens(order, marketplace_says(order))
    assert "withdrawn" not in ShopNotice.objects.values_list("kind", flat=True)


# -- orphans --------------------------------------------------------------------------------------------------


def test_an_orphan_stays_one_until_it_is_adopted_and_then_sends_what_was_decided(order: Order) -> None:
    pair = order.order_connection
    delete_order_connection(pair)
    order = happens(order, shop_says(ShopState.COMPLETED, parcel()))
    assert (order.status, order.error_code) == ("pending_shipment", "order.orphan")
    OutboxMessage.objects.filter(kind="confirm_shipment").update(status=OutboxStatus.WITHDRAWN)  # as the sender does
    OrderConnection.objects.create(
        company_id=pair.company_id, project_id=pair.project_id, name="again", marketplace=pair.marketplace,
        shop=pair.shop, is_active=True, start_at=pair.start_at,
    )  # fmt: skip
    assert adopt_orphans(pair.marketplace, now=LATER) == 1
    assert fresh(order).error_code == ""
    assert len(sent("confirm_shipment")) == 1


def test_an_orphan_with_another_error_is_adopted_too(order: Order) -> None:
    pair = order.order_connection
    delete_order_connection(pair)
    happens(order, events.Failed("product.not_found", "came back late"))
    OrderConnection.objects.create(
        company_id=pair.company_id, project_id=pair.project_id, name="again", marketplace=pair.marketplace,
        shop=pair.shop, is_active=True, start_at=pair.start_at,
    )  # fmt: skip
    assert adopt_orphans(pair.marketplace, now=LATER) == 1


def test_a_closed_order_is_no_orphan(order: Order) -> None:
    delete_order_connection(order.order_connection)
    assert happens(order, marketplace_says(order, RemoteStatus.SHIPPED)).error_code == ""
