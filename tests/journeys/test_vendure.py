"""The whole loop against a real shop: bol simulated, Vendure as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channable.tenants.scope import company_scope
from orders.services.events import CancelledByHand
from orders.services.handle import cancel, link_product
from tests import engine
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator
from tests.simulators.proxy import Proxy
from tests.vendure.peer import VendurePeer
from tests.world import World, build

pytestmark = pytest.mark.xdist_group("vendure")


class Reached:
    """The real shop as a merchant enters it, through a line on which faults can be put."""

    name = "vendure"

    def __init__(self, proxy: Proxy, peer: VendurePeer) -> None:
        self.url = proxy.url
        self.username, self.password = peer.username, peer.password
        self.peer, self.proxy = peer, proxy


@pytest.fixture
def world(serve: Callable[..., Any], vendure: VendurePeer) -> World:
    proxy = serve(Proxy(vendure.url.removesuffix("/admin-api")))
    return build(serve(BolSimulator()), Reached(proxy, vendure))


def placed(world: World) -> tuple[str, str]:
    """(number at bol, id in the shop) of an order with a product that the shop has."""
    sku = world.shop.peer.add_product(price=2000, stock=10)
    number = world.market.add_order(sku, 2, "20.00")
    engine.settle()
    shop_order_id = world.order(number).shop_order_id
    assert shop_order_id, world.order(number).error_detail
    return number, shop_order_id


def test_an_order_goes_all_the_way_round_through_a_real_shop(world: World) -> None:
    number, shop_order_id = placed(world)
    order = world.order(number)
    (made,) = world.shop.peer.paid_with(order.reference)
    assert made["id"] == shop_order_id
    world.shop.peer.ship(shop_order_id, "3SABCD12345678")
    engine.settle()
    assert world.order(number).status == "shipped"
    (effect,) = world.market.effects("ship")
    assert (effect.subject, effect.data["transport"]["trackAndTrace"]) == (number, "3SABCD12345678")
    before = world.timeline(number)
    engine.round_trip()
    assert world.timeline(number) == before


def test_a_cut_answer_makes_one_order_in_a_real_shop(world: World) -> None:
    sku = world.shop.peer.add_product(price=2000, stock=10)
    number = world.market.add_order(sku, 1, "20.00")
    engine.hurry()
    engine.sync()
    world.shop.proxy.fail("POST .*", Fault.RESET_AFTER, times=3)
    engine.send()
    world.shop.proxy.heal()
    engine.settle(12)
    order = world.order(number)
    assert order.shop_order_id, order.error_detail
    assert len(world.shop.peer.paid_with(order.reference)) == 1


def test_cancelled_in_a_real_shop_is_cancelled_at_bol(world: World) -> None:
    number, shop_order_id = placed(world)
    world.shop.peer.cancel(shop_order_id)
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert [effect.subject for effect in world.market.effects("cancel")] == [number]


def test_a_product_the_real_shop_does_not_know_is_an_error_on_its_order(world: World) -> None:
    number = world.market.add_order("NO-SUCH-SKU")
    engine.settle()
    assert world.order(number).error_code == "product.not_found"


def test_two_parcels_of_a_real_shop_are_two_shipments(world: World) -> None:
    number, shop_order_id = placed(world)
    (line,) = world.shop.peer.order(shop_order_id)["lines"]
    world.shop.peer.ship(shop_order_id, "3SABCD00000001", items={line["productVariant"]["sku"]: 1})
    engine.settle()
    assert world.order(number).status == "partial"
    world.shop.peer.ship(shop_order_id, "3SABCD00000002", items={line["productVariant"]["sku"]: 1})
    engine.settle()
    assert world.order(number).status == "shipped"
    codes = [effect.data["transport"]["trackAndTrace"] for effect in world.market.effects("ship")]
    assert codes == ["3SABCD00000001", "3SABCD00000002"]


def test_a_real_shop_is_told_once_of_what_the_marketplace_cancels(world: World) -> None:
    number, _shop_order_id = placed(world)
    world.market.cancel_by_hand(number)
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert world.timeline(number).count("shop.told") == 1
    engine.round_trip()
    assert world.timeline(number).count("shop.told") == 1


def test_cancelled_here_is_cancelled_at_bol_and_told_to_a_real_shop(world: World) -> None:
    number, _shop_order_id = placed(world)
    with company_scope(world.company.pk):
        cancel(world.order(number), CancelledByHand("1", reason="out_of_stock"), user=None)
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert [(effect.subject, effect.reference) for effect in world.market.effects("cancel")] == [
        (number, "OUT_OF_STOCK")
    ]
    assert world.timeline(number).count("shop.told") == 1


def test_a_linked_product_sends_all_that_wait_for_it_to_a_real_shop(world: World) -> None:
    numbers = [world.market.add_order("MARKET-NAME"), world.market.add_order("MARKET-NAME")]
    engine.settle()
    assert {world.order(number).error_code for number in numbers} == {"product.not_found"}
    sku = world.shop.peer.add_product(price=2000, stock=10)
    with company_scope(world.company.pk):
        assert link_product(world.platform, "MARKET-NAME", sku, user=None) == 2
    engine.settle()
    assert all(world.order(number).shop_order_id for number in numbers)
    later = world.market.add_order("MARKET-NAME")
    engine.settle()
    assert world.order(later).shop_order_id
