"""Which product of the shop is meant: alternatives, what was found before, and what a person chose."""

from __future__ import annotations

from typing import Any

import pytest

from connections.connectors.types import ShopState
from connections.models import OrderConnection, OutboxMessage
from connections.options import Options, WrongOption
from orders.models import LinkSource, Order, OrderItem, ProductLink
from orders.models.item import ItemPart
from orders.services import events
from orders.services.effects import CreateOrder
from orders.services.handle import NotPossible, link_product
from tests.factories import OrderFactory, OrderItemFactory, OutboxMessageFactory, UserFactory
from tests.orders.test_apply import ParcelItem, happens, parcel, shop_says, timeline

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def order(inside: Any, project: Any) -> Order:
    """A mug with an EAN and a number of its maker, refused by the shop."""
    order: Order = OrderFactory(order_connection__project=project, error_code="product.not_found")
    OrderItem.objects.filter(order=order).update(ean="8712345678906", article_number="M-1")
    OutboxMessageFactory(connection=order.shop, subject_id=order.pk, status="rejected")
    return order


def asked(order: Order) -> list[str]:
    """What the shop would be asked for."""
    message = OutboxMessage.objects.get(subject_id=order.pk, kind="create_order")
    return list(CreateOrder().load(message).options.ids_of("MUG"))


def with_alternatives(order: Order, *names: str) -> None:
    OrderConnection.objects.filter(pk=order.order_connection_id).update(settings={"alternative_ids": list(names)})


def test_without_alternatives_the_shop_is_asked_for_the_product_id_alone(order: Order) -> None:
    assert asked(order) == ["MUG"]


def test_alternatives_are_tried_in_their_order_and_empty_ones_are_not(order: Order) -> None:
    with_alternatives(order, "mpn", "reference", "ean")
    assert asked(order) == ["MUG", "M-1", "8712345678906"]


@pytest.mark.parametrize("wrong", ["ean", ["gtin"], ["ean", "ean"]])
def test_alternatives_that_do_not_exist_are_refused(wrong: Any) -> None:
    with pytest.raises(WrongOption):
        Options.checked({"alternative_ids": wrong})


def test_what_was_found_is_remembered_tried_first_and_told(order: Order) -> None:
    with_alternatives(order, "ean")
    order = happens(order, events.CreatedInShop("9", matches={"MUG": "8712345678906"}))
    assert "product.matched" in timeline(order)
    link = ProductLink.objects.get()
    assert (link.shop_id, link.product_id, link.shop_product_id, link.source) == (
        order.shop_id,
        "MUG",
        "8712345678906",
        LinkSource.FOUND,
    )
    assert asked(order) == ["8712345678906", "MUG"]


def test_what_a_person_chose_is_all_that_is_tried_and_stays(order: Order) -> None:
    with_alternatives(order, "ean")
    user = UserFactory()
    link_product(order.shop, "MUG", " CUP-7 ", user=user)
    assert asked(order) == ["CUP-7"]
    happens(order, events.CreatedInShop("9", matches={"MUG": "other"}))
    link = ProductLink.objects.get()
    assert (link.shop_product_id, link.source, link.user_id) == ("CUP-7", LinkSource.PERSON, user.pk)


def test_all_that_wait_for_the_product_are_sent_anew(project: Any, order: Order) -> None:
    pair = order.order_connection
    more = [OrderFactory(order_connection=pair, error_code="product.not_found") for _ in range(2)]
    others = [
        OrderFactory(order_connection=pair, error_code="product.out_of_stock"),
        OrderFactory(order_connection=pair, error_code="product.not_found", status="manual", is_manual=True),
        OrderFactory(order_connection__project=project, error_code="product.not_found"),  # another shop
    ]
    unlike = OrderFactory(order_connection=pair, error_code="product.not_found")
    OrderItem.objects.filter(order=unlike).update(product_id="TEA")
    assert link_product(order.shop, "MUG", "CUP-7", user=None) == 3
    for one in (order, *more):
        one.refresh_from_db()
        assert one.error_code == ""
        message = OutboxMessage.objects.get(subject_id=one.pk, kind="create_order")
        assert (message.status, timeline(one)[-1:]) == ("ready", ["product.linked"])
    for one in (*others, unlike):
        one.refresh_from_db()
        assert one.error_code


def test_choosing_again_replaces_the_choice(order: Order) -> None:
    link_product(order.shop, "MUG", "CUP-7", user=None)
    link_product(order.shop, "MUG", "CUP-8", user=None)
    assert ProductLink.objects.get().shop_product_id == "CUP-8"


@pytest.mark.parametrize("wrong", ["", "  ", "x" * 201, "a\nb"])
def test_what_can_be_no_product_is_refused(order: Order, wrong: str) -> None:
    with pytest.raises(NotPossible):
        link_product(order.shop, "MUG", wrong, user=None)
    assert ProductLink.objects.count() == 0


@pytest.mark.parametrize("named", ["MUG", "CUP-7", "8712345678906", "M-1"])
def test_parcels_are_understood_by_whatever_name_the_shop_has(order: Order, named: str) -> None:
    link_product(order.shop, "MUG", "CUP-7", user=None)
    OrderItemFactory(order=order, product_id="TEA")
    happens(order, events.CreatedInShop("9"))
    happens(order, shop_says(ShopState.OPEN, parcel("3SABCD12345678", ParcelItem(named, 1))))
    parts = ItemPart.objects.filter(order=order).select_related("item")
    assert {part.item.product_id: part.status for part in parts} == {"MUG": "pending_shipment", "TEA": "open"}


def test_a_name_that_is_another_items_own_means_that_one(order: Order) -> None:
    OrderItemFactory(order=order, product_id="M-1")
    happens(order, events.CreatedInShop("9"))
    happens(order, shop_says(ShopState.OPEN, parcel("3SABCD12345678", ParcelItem("M-1", 1))))
    parts = ItemPart.objects.filter(order=order).select_related("item")
    assert {part.item.product_id: part.status for part in parts} == {"MUG": "open", "M-1": "pending_shipment"}
