"""Shipping and cancelling by a person: what is decided, what is refused and why, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connections.connectors import CONNECTORS
from connections.connectors.base import Capabilities
from connections.connectors.errors import DataError
from connections.connectors.types import ShopState
from connections.models import OutboxMessage, TransporterRule
from orders.models import Actor, Order
from orders.models.item import ItemPart
from orders.models.shipment import Cancellation, DecisionStatus, Shipment
from orders.services import events
from orders.services.apply import apply
from orders.services.effects import ConfirmShipment
from orders.services.events import CancelledByHand, Cause, Piece, ShippedByHand
from orders.services.handle import Conflict, NotPossible, cancel, ship
from orders.states import OrderStatus
from tests.example.connector import ExampleConnector
from tests.factories import (
    MarketplaceFactory,
    OrderConnectionFactory,
    OrderFactory,
    OrderItemFactory,
    OutboxMessageFactory,
    UserFactory,
)
from tests.orders.test_apply import NOW, happens, parcel, shop_says

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    """At bol: a mug, and three teas."""
    order: Order = OrderFactory(order_connection__project=project, shop_order_id="77")
    OrderItemFactory(order=order, product_id="TEA", quantity=3)
    return order


def item(order: Order, sku: str) -> int:
    return int(order.items.get(product_id=sku).pk)


def shipped(order: Order, *pieces: Piece, once: str = "1", **values: Any) -> Order:
    ship(order, ShippedByHand(once, pieces or None, **values), user=None)
    return Order.objects.get(pk=order.pk)


def cancelled(order: Order, *pieces: Piece, once: str = "1", reason: str = "") -> Order:
    cancel(order, CancelledByHand(once, pieces or None, reason), user=None)
    return Order.objects.get(pk=order.pk)


def waiting(kind: str) -> list[int]:
    return list(OutboxMessage.objects.filter(kind=kind, status="ready").values_list("subject_id", flat=True))


def parts(order: Order) -> dict[tuple[str, str], int]:
    rows = ItemPart.objects.filter(order=order).select_related("item")
    return {(part.item.product_id, part.status): part.quantity for part in rows}


@contextmanager
def picky(project: Any, **capabilities: Any) -> Iterator[Order]:
    """An order with three teas of a marketplace that can do less, or demands more."""

    class Picky(ExampleConnector):
        kind = "picky"
        label = "Picky"

    Picky.capabilities = Capabilities(**capabilities)
    CONNECTORS["picky"] = Picky
    try:
        pair = OrderConnectionFactory(
            project=project, marketplace=MarketplaceFactory(company=project.company, kind="picky")
        )
        order = OrderFactory(order_connection=pair, shop_order_id="78")
        OrderItemFactory(order=order, product_id="TEA", quantity=3)
        yield order
    finally:
        del CONNECTORS["picky"]


# -- shipping -------------------------------------------------------------------------------------


def test_all_that_is_open_is_shipped_at_once(order: Order) -> None:
    user = UserFactory()
    ship(order, ShippedByHand("1", tracking_code="3SABCD12345678", transporter="POSTNL"), user=user)
    order.refresh_from_db()
    shipment = Shipment.objects.get()
    assert (order.status, shipment.transporter, shipment.tracking_code) == (
        "pending_shipment",
        "POSTNL",
        "3SABCD12345678",
    )
    assert waiting("confirm_shipment") == [shipment.pk]
    assert order.search_text.endswith("3sabcd12345678")
    event = order.events.get(code="hand.shipped")
    assert (event.actor, event.user_id, event.message) == (
        Actor.USER,
        user.pk,
        "Shipment confirmed by hand: 1 x MUG, 3 x TEA.",
    )


def test_pieces_of_an_item_are_shipped_and_the_rest_stays_open(order: Order) -> None:
    order = shipped(order, Piece(item(order, "TEA"), 2))
    assert order.status == "partial"
    assert parts(order) == {("MUG", "open"): 1, ("TEA", "open"): 1, ("TEA", "pending_shipment"): 2}
    order = shipped(order, once="2")
    assert order.status == "pending_shipment"
    assert [shipment.number for shipment in Shipment.objects.order_by("pk")] == [1, 2]


def test_the_same_form_sent_twice_ships_once(order: Order) -> None:
    piece = Piece(item(order, "TEA"), 1)
    shipped(order, piece)
    shipped(order, piece)
    assert parts(order)[("TEA", "pending_shipment")] == 1
    assert Shipment.objects.count() == 1


def test_what_is_named_and_on_its_way_already_is_passed_over(order: Order) -> None:
    shipped(order, Piece(item(order, "MUG")))
    order = shipped(order, Piece(item(order, "MUG")), Piece(item(order, "TEA")), once="2")
    assert order.status == "pending_shipment"
    with pytest.raises(Conflict, match="Can not resubmit a sent shipment"):
        shipped(order, Piece(item(order, "MUG")), once="3")


@pytest.mark.parametrize("status", ["shipped", "pending_shipment", "processing"])
def test_a_sent_shipment_is_not_sent_again(project: Any, status: str) -> None:
    order = OrderFactory(order_connection__project=project, status=status)
    with pytest.raises(Conflict, match="Can not resubmit a sent shipment"):
        shipped(order)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (OrderStatus.CANCELLED, "is cancelled"),
        (OrderStatus.PENDING_CANCELLATION, "cancellation is on the way"),
        (OrderStatus.MANUAL, "handled manually"),
        (OrderStatus.AWAITING_CONFIRMATION, "still verifies"),
    ],
)
def test_what_cannot_be_shipped_is_said(project: Any, status: OrderStatus, words: str) -> None:
    order = OrderFactory(order_connection__project=project, status=status)
    with pytest.raises(Conflict, match=words):
        shipped(order)
    assert Shipment.objects.count() == 0


def test_an_order_that_the_marketplace_ships_is_left_to_it(project: Any) -> None:
    order = OrderFactory(order_connection__project=project, fulfilment_type="marketplace")
    with pytest.raises(Conflict, match="ships this order itself"):
        shipped(order)


def test_an_orphan_cannot_be_told_of(order: Order) -> None:
    type(order.order_connection).objects.update(deleted_at=NOW)
    for tell in (shipped, cancelled):
        with pytest.raises(Conflict, match="order connection was removed"):
            tell(order)


@pytest.mark.parametrize(
    ("piece", "words"),
    [((10**9, None), "is not in this order"), (("TEA", 4), "Of TEA 3 are open"), (("TEA", 0), "not 0")],
)
def test_pieces_that_are_not_there_are_refused(order: Order, piece: tuple[Any, Any], words: str) -> None:
    item_id = piece[0] if isinstance(piece[0], int) else item(order, piece[0])
    for tell in (shipped, cancelled):
        with pytest.raises(NotPossible, match=words):
            tell(order, Piece(item_id, piece[1]))


def test_a_transporter_that_nobody_knows_travels_as_other(order: Order) -> None:
    shipped(order, tracking_code="X1", transporter="Uncle Bob's van")
    shipment = Shipment.objects.get()
    assert (shipment.transporter, shipment.transporter_original) == ("OTHER", "Uncle Bob's van")


def test_a_code_without_a_transporter_is_asked_for_one(order: Order) -> None:
    with pytest.raises(NotPossible, match="whose tracking code"):
        shipped(order, tracking_code="X1")
    type(order.order_connection).objects.update(settings={"default_transporter": "DHL"})
    shipped(order, tracking_code="X1")
    assert Shipment.objects.get().transporter == "DHL"


@pytest.mark.parametrize(
    ("capability", "given", "words"),
    [
        ({"requires_tracking": True}, {}, "without a tracking code"),
        ({"requires_return_tracking": True}, {"tracking_code": "X"}, "code of the return label"),
    ],
)
def test_what_a_marketplace_demands_is_asked_for(
    project: Any, capability: dict[str, bool], given: dict[str, str], words: str
) -> None:
    with picky(project, **capability) as order:
        with pytest.raises(NotPossible, match=words):
            shipped(order, **given, transporter="DHL")
        assert (
            shipped(order, tracking_code="X", return_tracking_code="R", transporter="DHL").status == "pending_shipment"
        )


def test_a_marketplace_that_takes_whole_orders_alone_gets_no_part(project: Any) -> None:
    with picky(project, ships_partially=False) as order:
        with pytest.raises(NotPossible, match="only as a whole"):
            shipped(order, Piece(item(order, "TEA")))
        assert shipped(order).status == "pending_shipment"


# -- cancelling -----------------------------------------------------------------------------------


def test_all_that_is_open_is_cancelled(order: Order) -> None:
    order = cancelled(order, reason="out_of_stock")
    cancellation = Cancellation.objects.get()
    assert (order.status, cancellation.reason) == ("pending_cancellation", "out_of_stock")
    assert waiting("cancel_order") == [cancellation.pk]


def test_one_item_is_cancelled_and_the_others_go_on(order: Order) -> None:
    order = cancelled(order, Piece(item(order, "TEA")))
    assert order.status == "partial"
    order = shipped(order)
    apply(order.pk, events.CancellationConfirmed(Cancellation.objects.get().pk), Cause(Actor.MARKETPLACE, NOW, NOW))
    apply(order.pk, events.ShipmentConfirmed(Shipment.objects.get().pk), Cause(Actor.MARKETPLACE, NOW, NOW))
    order.refresh_from_db()
    assert order.status == "shipped"
    assert parts(order) == {("MUG", "shipped"): 1, ("TEA", "cancelled"): 3}


def test_a_buyers_request_is_accepted_by_its_own_reason(project: Any) -> None:
    order = OrderFactory(
        order_connection__project=project, status="cancellation_request", cancellation_requested=True, shop_order_id="7"
    )
    order = cancelled(order)
    assert (order.status, Cancellation.objects.get().reason) == ("pending_cancellation", "customer_request")


def test_a_refused_cancellation_leaves_the_order_as_it_was(project: Any) -> None:
    order = OrderFactory(order_connection__project=project, status="manual", is_manual=True, shop_order_id="7")
    order = cancelled(order)
    assert order.status == "pending_cancellation"
    refused = events.CancellationRefused(Cancellation.objects.get().pk, "cancellation.refused", "too late")
    apply(order.pk, refused, Cause(Actor.MARKETPLACE, NOW, NOW))
    order.refresh_from_db()
    assert (order.status, order.error_code) == ("manual", "cancellation.refused")
    assert Cancellation.objects.get().status == DecisionStatus.REFUSED


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (OrderStatus.SHIPPED, "shipped already"),
        (OrderStatus.CANCELLED, "is cancelled"),
        (OrderStatus.PENDING_SHIPMENT, "shipment is on the way"),
        (OrderStatus.PROCESSING, "works on its shipment"),
        (OrderStatus.PENDING_CANCELLATION, "cancellation is on the way"),
        (OrderStatus.AWAITING_CONFIRMATION, "still verifies"),
    ],
)
def test_what_cannot_be_cancelled_is_said(project: Any, status: OrderStatus, words: str) -> None:
    order = OrderFactory(order_connection__project=project, status=status)
    with pytest.raises(Conflict, match=words):
        cancelled(order)
    assert Cancellation.objects.count() == 0


def test_bol_cancels_all_of_an_item_or_nothing(order: Order) -> None:
    with pytest.raises(NotPossible, match="all of an item or nothing"):
        cancelled(order, Piece(item(order, "TEA"), 2))


@pytest.mark.parametrize(
    ("capabilities", "words"),
    [({}, "takes no cancellations"), ({"cancels_orders": True}, "cancels an order only as a whole")],
)
def test_what_a_marketplace_does_not_cancel_is_said(project: Any, capabilities: dict[str, bool], words: str) -> None:
    with picky(project, **capabilities) as order, pytest.raises(NotPossible, match=words):
        cancelled(order, Piece(item(order, "TEA")))


def test_a_marketplace_that_can_cancels_pieces(project: Any) -> None:
    with picky(project, cancels_orders=True, cancels_partially=True, cancels_quantities=True) as order:
        cancelled(order, Piece(item(order, "TEA"), 2))
        assert parts(order) == {("MUG", "open"): 1, ("TEA", "open"): 1, ("TEA", "pending_cancellation"): 2}


def test_once_a_part_is_shipped_a_whole_order_cannot_be_cancelled(project: Any) -> None:
    with picky(project, cancels_orders=True) as order:
        shipped(order, Piece(item(order, "MUG")))
        with pytest.raises(NotPossible, match="only as a whole"):
            cancelled(order)


# -- and the shop ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tell", [shipped, cancelled])
def test_what_is_dealt_with_never_comes_to_the_shop(project: Any, tell: Any) -> None:
    order = OrderFactory(order_connection__project=project, error_code="product.not_found")
    creation = OutboxMessageFactory(connection=order.shop, subject_id=order.pk)
    order = tell(order)
    creation.refresh_from_db()
    assert (creation.status, order.error_code) == ("withdrawn", "")


def test_what_is_open_of_it_still_does_and_its_error_stays(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(shop_order_id="", error_code="product.not_found")
    creation = OutboxMessageFactory(connection=order.shop, subject_id=order.pk)
    order = shipped(order, Piece(item(order, "MUG")))
    apply(order.pk, events.ShipmentConfirmed(Shipment.objects.get().pk), Cause(Actor.MARKETPLACE, NOW, NOW))
    creation.refresh_from_db()
    order.refresh_from_db()
    assert (creation.status, order.error_code, order.status) == ("ready", "product.not_found", "partial")


# -- transporter rules ----------------------------------------------------------------------------


def test_a_rule_says_whose_code_it_is_and_cleans_it(order: Order) -> None:
    pair = order.order_connection
    values = {"company_id": pair.company_id, "project_id": pair.project_id}
    TransporterRule.objects.create(**values, pattern="D-*", transporter="DHL", removes_match=True)
    happens(order, shop_says(ShopState.COMPLETED, parcel("D-77", by="PostNL")))
    shipment = Shipment.objects.get()
    assert (shipment.transporter, shipment.tracking_code) == ("DHL", "77")
    assert (shipment.transporter_original, shipment.tracking_code_original) == ("PostNL", "D-77")


def test_a_rule_that_is_added_later_solves_a_missing_transporter(order: Order) -> None:
    happens(order, shop_says(ShopState.COMPLETED, parcel("D-77", by="?")))
    message = OutboxMessage.objects.get(kind="confirm_shipment")
    effect = ConfirmShipment()
    with pytest.raises(DataError):
        effect.check(message, effect.load(message))
    pair = order.order_connection
    values = {"company_id": pair.company_id, "project_id": pair.project_id}
    TransporterRule.objects.create(**values, pattern="D-*", transporter="DHL", removes_match=True)
    parcel_ = effect.load(message)
    effect.check(message, parcel_)
    assert (parcel_.data.transporter, parcel_.data.tracking_code) == ("DHL", "77")
