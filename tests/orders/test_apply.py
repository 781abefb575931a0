"""What follows from each event: parts, flags, status, timeline and what goes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.types import (
    AddressData,
    ItemData,
    OrderData,
    OrderUpdate,
    ParcelData,
    ParcelItem,
    RemoteStatus,
    ShopState,
)
from connections.models import OutboxMessage
from orders.models import Actor, Order, SyncedOrder
from orders.models.shipment import DecisionStatus, Shipment
from orders.services import events
from orders.services.apply import apply
from orders.services.events import Cause
from tests.factories import OrderFactory, OrderItemFactory

pytestmark = pytest.mark.usefixtures("inside")
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    return OrderFactory(order_connection__project=project, shop_order_id="77")


def happens(order: Order, event: events.Event, *, at: datetime = NOW, actor: Actor = Actor.SHOP) -> Order:
    apply(order.pk, event, Cause(actor, at, at))
    return Order.objects.get(pk=order.pk)


def shop_says(state: ShopState, *parcels: ParcelData, at: datetime = NOW) -> events.ShopNews:
    update = OrderUpdate("77", state, at, status_text=state.value, parcels=parcels)
    return events.ShopNews(update, version=f"{state}-{at.isoformat()}-{len(parcels)}")


def marketplace_says(order: Order, status: RemoteStatus = RemoteStatus.OPEN, **line: Any) -> events.MarketplaceNews:
    items = [
        ItemData(item.external_id, item.product_id, item.quantity, Decimal("20.00"), **line)
        for item in order.items.order_by("id")
    ]
    address = AddressData()
    data = OrderData(order.external_id, status, NOW, "EUR", Decimal("20.00"), items, address, address)
    return events.MarketplaceNews(data)


def parcel(code: str = "3SABCD12345678", *items: ParcelItem, ref: str = "1", by: str = "PostNL") -> ParcelData:
    return ParcelData(ref, code, by, items=items or None)


def sent(kind: str) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(kind=kind, status="ready"))


def timeline(order: Order) -> list[str]:
    return list(order.events.order_by("id").values_list("code", flat=True))


def test_completed_with_a_code_is_pending_shipment_and_told_to_the_marketplace(order: Order) -> None:
    order = happens(order, shop_says(ShopState.COMPLETED, parcel()))
    shipment = Shipment.objects.get()
    assert order.status == "pending_shipment"
    assert (shipment.transporter, shipment.transporter_original) == ("POSTNL", "PostNL")
    assert [message.subject_id for message in sent("confirm_shipment")] == [shipment.pk]
    assert order.search_text.endswith("3sabcd12345678")


def test_the_same_news_twice_changes_nothing(order: Order) -> None:
    news = shop_says(ShopState.COMPLETED, parcel())
    happens(order, news)
    before = timeline(order)
    assert apply(order.pk, news, Cause(Actor.SHOP, NOW, NOW)) is False
    assert timeline(order) == before
    assert len(sent("confirm_shipment")) == 1


def test_completed_without_a_code_waits_three_hours(order: Order) -> None:
    order = happens(order, shop_says(ShopState.COMPLETED))
    assert order.status == "waiting"
    assert order.waiting_until == NOW + timedelta(hours=3)
    assert sent("confirm_shipment") == []


def test_a_late_code_ends_the_wait(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED))
    order = happens(order, shop_says(ShopState.COMPLETED, parcel(), at=NOW + timedelta(hours=1)))
    assert (order.status, order.waiting_until) == ("pending_shipment", None)


def test_after_the_wait_it_is_shipped_without_a_code(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED))
    order = happens(order, events.WaitOver(), at=NOW + timedelta(hours=3), actor=Actor.TIME_LIMIT)
    assert order.status == "pending_shipment"
    assert Shipment.objects.get().tracking_code == ""
    assert len(sent("confirm_shipment")) == 1


def test_a_code_after_that_is_not_sent_a_second_time(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED))
    happens(order, events.WaitOver(), at=NOW + timedelta(hours=3))
    happens(order, shop_says(ShopState.COMPLETED, parcel(), at=NOW + timedelta(hours=4)))
    assert Shipment.objects.count() == 1


def test_reopened_in_the_shop_is_not_shipped_again(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED))
    order = happens(order, shop_says(ShopState.OPEN, at=NOW + timedelta(minutes=5)))
    assert (order.status, order.waiting_until) == ("not_shipped", None)


def test_two_parcels_are_two_shipments_item_by_item(order: Order) -> None:
    OrderItemFactory(order=order, external_id="l2", product_id="TEA", quantity=3)
    first = parcel("3SAAAA11111111", ParcelItem("TEA", 2), ref="1")
    order = happens(order, shop_says(ShopState.OPEN, first))
    assert order.status == "partial"
    order = happens(
        order,
        shop_says(ShopState.COMPLETED, first, parcel("3SBBBB22222222", ref="2"), at=NOW + timedelta(minutes=9)),
    )
    assert order.status == "pending_shipment"
    by_code = {
        s.tracking_code: sorted((p.item.product_id, p.quantity) for p in s.parts.all()) for s in Shipment.objects.all()
    }
    assert by_code == {"3SAAAA11111111": [("TEA", 2)], "3SBBBB22222222": [("MUG", 1), ("TEA", 1)]}


def test_accepted_is_processing_and_confirmed_is_shipped(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    shipment = Shipment.objects.get()
    order = happens(order, events.ShipmentAccepted(shipment.pk))
    assert order.status == "processing"
    order = happens(order, events.ShipmentConfirmed(shipment.pk, "S-1"))
    shipment.refresh_from_db()
    assert (order.status, shipment.status, shipment.remote_id) == ("shipped", "confirmed", "S-1")


def test_a_confirmation_that_overtakes_the_acceptance_stays(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    shipment = Shipment.objects.get()
    happens(order, events.ShipmentConfirmed(shipment.pk))
    assert happens(order, events.ShipmentAccepted(shipment.pk)).status == "shipped"


def test_a_refused_shipment_goes_back_to_where_it_was_with_the_error(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED))
    happens(order, shop_says(ShopState.COMPLETED, parcel(), at=NOW + timedelta(minutes=1)))
    shipment = Shipment.objects.get()
    order = happens(order, events.ShipmentRefused(shipment.pk, "shipment.refused", "Order item is cancelled"))
    assert (order.status, order.error_code) == ("waiting", "shipment.refused")
    assert order.error_detail == "Order item is cancelled"


def test_resent_tries_the_refused_shipment_again(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    shipment = Shipment.objects.get()
    OutboxMessage.objects.filter(kind="confirm_shipment").update(status="rejected")
    happens(order, events.ShipmentRefused(shipment.pk, "shipment.refused", "no"))
    order = happens(order, events.Resent(), actor=Actor.USER)
    shipment.refresh_from_db()
    assert (order.status, order.error_code, shipment.status) == ("pending_shipment", "", DecisionStatus.PENDING)
    assert [message.looks_first for message in sent("confirm_shipment")] == [True]


def test_shipped_by_hand_in_the_seller_account_closes_it_and_sends_nothing(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel()))
    order = happens(order, marketplace_says(order, RemoteStatus.SHIPPED), actor=Actor.MARKETPLACE)
    assert order.status == "shipped"
    assert sent("confirm_shipment") == []
    assert "order.shipped_there" in timeline(order)


def test_cancelled_by_hand_closes_it_too(order: Order) -> None:
    order = happens(order, marketplace_says(order, RemoteStatus.CANCELLED), actor=Actor.MARKETPLACE)
    assert order.status == "cancelled"


def test_a_reread_never_turns_shipped_back_to_open(order: Order) -> None:
    happens(order, marketplace_says(order, RemoteStatus.SHIPPED), actor=Actor.MARKETPLACE)
    before = timeline(order)
    order = happens(order, marketplace_says(order, RemoteStatus.OPEN), actor=Actor.MARKETPLACE)
    assert order.status == "shipped"
    assert timeline(order) == before


def test_the_shop_completing_a_cancelled_order_sends_nothing(order: Order) -> None:
    happens(order, marketplace_says(order, RemoteStatus.CANCELLED), actor=Actor.MARKETPLACE)
    order = happens(order, shop_says(ShopState.COMPLETED, parcel()))
    assert order.status == "cancelled"
    assert sent("confirm_shipment") == []


def test_part_shipped_there_is_partial(order: Order) -> None:
    OrderItemFactory(order=order, external_id="l2", product_id="TEA", quantity=3)
    event = marketplace_says(order)
    line = event.data.items[1]
    event.data.items[1] = ItemData("l2", "TEA", 3, line.unit_price, quantity_shipped=1)  # type: ignore[index]
    order = happens(order, event, actor=Actor.MARKETPLACE)
    assert order.status == "partial"
    assert sorted((p.quantity, p.status) for p in order.parts.filter(item__product_id="TEA")) == [
        (1, "shipped"),
        (2, "open"),
    ]


def test_a_buyers_request_shows_and_may_be_taken_back(order: Order) -> None:
    order = happens(order, marketplace_says(order, cancellation_requested=True), actor=Actor.MARKETPLACE)
    assert order.status == "cancellation_request"
    order = happens(order, marketplace_says(order), actor=Actor.MARKETPLACE)
    assert order.status == "not_shipped"


def test_a_requested_order_may_still_be_shipped(order: Order) -> None:
    happens(order, marketplace_says(order, cancellation_requested=True), actor=Actor.MARKETPLACE)
    assert happens(order, shop_says(ShopState.COMPLETED, parcel())).status == "pending_shipment"


def test_unconfirmed_goes_to_the_shop_only_when_confirmed(inside: Any, project: Any) -> None:
    order = OrderFactory(
        order_connection__project=project,
        status="awaiting_confirmation",
        is_confirmed=False,
        remote_status="unconfirmed",
    )
    order = happens(order, marketplace_says(order, RemoteStatus.UNCONFIRMED), actor=Actor.MARKETPLACE)
    assert (order.status, sent("create_order")) == ("awaiting_confirmation", [])
    order = happens(order, marketplace_says(order), actor=Actor.MARKETPLACE)
    assert order.status == "not_shipped"
    assert len(sent("create_order")) == 1


def test_created_in_the_shop_is_billed_once(inside: Any, project: Any) -> None:
    order = OrderFactory(order_connection__project=project)
    happens(order, events.CreatedInShop("501", "W-501"), actor=Actor.SYSTEM)
    order = happens(order, events.CreatedInShop("501", "W-501", adopted=True), actor=Actor.SYSTEM)
    assert (order.shop_order_id, order.shop_number, order.status) == ("501", "W-501", "not_shipped")
    assert SyncedOrder.objects.filter(order_id=order.pk).count() == 1
    assert "w-501" in order.search_text


def test_a_test_order_is_not_billed(inside: Any, project: Any) -> None:
    order = OrderFactory(order_connection__project=project, is_test=True)
    happens(order, events.CreatedInShop("501"), actor=Actor.SYSTEM)
    assert not SyncedOrder.objects.exists()


def test_a_failed_creation_flags_the_order_and_keeps_its_status(order: Order) -> None:
    order = happens(order, events.Failed("product.not_found", "SKU X is not there"))
    assert (order.status, order.error_code) == ("not_shipped", "product.not_found")
    assert order.error_since == NOW


def test_manual_orders_are_left_alone_by_the_shop(order: Order) -> None:
    order = happens(order, events.TakenManually(), actor=Actor.USER)
    assert order.status == "manual"
    order = happens(order, shop_says(ShopState.COMPLETED, parcel()))
    assert order.status == "manual"
    assert sent("confirm_shipment") == []


def test_manual_orders_still_close_when_the_marketplace_says_so(order: Order) -> None:
    happens(order, events.TakenManually(), actor=Actor.USER)
    assert happens(order, marketplace_says(order, RemoteStatus.SHIPPED)).status == "shipped"


def test_older_news_of_the_shop_is_recorded_and_ignored(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel(), at=NOW))
    order = happens(order, shop_says(ShopState.CANCELLED, at=NOW - timedelta(minutes=1)))
    assert order.status == "pending_shipment"
    assert "shop.old_news" in timeline(order)


def test_an_impossible_move_is_written_down_and_changes_nothing(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(status="cancelled")  # as if parts and status had come apart
    order = happens(order, events.TakenManually(), actor=Actor.USER)
    assert (order.status, order.is_manual) == ("cancelled", False)
    assert timeline(order)[-1] == "order.ignored"


def test_an_unknown_transporter_is_left_for_a_person(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel("ABC123", by="Uncle Bob")))
    assert Shipment.objects.get().transporter == ""


def test_a_parcel_with_more_than_is_left_ships_what_is_left(order: Order) -> None:
    order = happens(order, shop_says(ShopState.COMPLETED, parcel("3SAAAA11111111", ParcelItem("MUG", 5))))
    assert order.status == "pending_shipment"
    assert [part.quantity for part in order.parts.all()] == [1]


def test_history_tells_who_when_it_happened_and_when_we_learned_it(order: Order) -> None:
    apply(order.pk, shop_says(ShopState.COMPLETED, parcel()), Cause(Actor.SHOP, NOW, NOW + timedelta(minutes=4)))
    change = order.events.get(code="order.status")
    assert (change.from_status, change.to_status, change.actor) == ("not_shipped", "pending_shipment", "shop")
    assert (change.occurred_at, change.recorded_at) == (NOW, NOW + timedelta(minutes=4))
    assert change.message == "Changed shipping status: not_shipped -> pending_shipment"
