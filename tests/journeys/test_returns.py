"""bol and WooCommerce: goods come back, and both sides hear what was decided, once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from channable.tenants.scope import company_scope
from connections.connectors.types import ReturnVerdict
from orders.models import Order, Return, ReturnDecision
from orders.services.events import ReturnDecided
from orders.services.handle import decide_return
from orders.services.sample_orders import Wanted, send_test_order, send_test_return
from tests import engine
from tests.simulators.base import Fault
from tests.world import World

V = ReturnVerdict


def sold(world: World, quantity: int = 3, **values: Any) -> str:
    """An order that was shipped and is closed on both sides."""
    number: str = world.market.add_order("MUG", quantity, "20.00", **values)
    engine.settle()
    world.shop.ship(world.order(number).shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    return number


def returns(world: World) -> list[Return]:
    with company_scope(world.company.pk):
        return list(Return.objects.select_related("order__connection").order_by("id"))


def statuses(world: World) -> list[str]:
    return [one.status for one in returns(world)]


def decide(world: World, returned: Return, verdict: ReturnVerdict = V.ACCEPTED, quantity: int | None = None) -> None:
    with company_scope(world.company.pk):
        once = f"{verdict}-{quantity}"
        decide_return(returned.order, ReturnDecided(once, returned.pk, verdict, quantity), user=None)


def told(world: World) -> list[tuple[str, int]]:
    """(result, pieces) that bol really took."""
    return [(effect.reference, effect.data["quantity"]) for effect in world.market.effects("handle_return")]


def refunds(world: World) -> int:
    return len(world.shop.effects("refund"))


def stock(world: World) -> int:
    """Mugs that the shop has."""
    (mug,) = [one for one in world.shop.products.values() if one["sku"] == "MUG"]
    return int(mug["stock_quantity"])


def test_a_return_goes_all_the_way_round(world: World) -> None:
    number = sold(world)
    before = stock(world)
    world.market.add_return(number, quantity=2)
    engine.round_trip()
    (returned,) = returns(world)
    assert (returned.status, returned.quantity, returned.product_id) == ("new", 2, "MUG")
    decide(world, returned)
    engine.settle()
    engine.settle()
    assert statuses(world) == ["accepted"]
    assert told(world) == [("RETURN_RECEIVED", 2)]
    assert refunds(world) == 1
    assert stock(world) == before + 2
    with company_scope(world.company.pk):
        assert ReturnDecision.objects.get().refund_status == "confirmed"
    timeline = world.timeline(number)
    for _ in range(3):
        engine.round_trip()
    assert world.timeline(number) == timeline
    assert (told(world), refunds(world)) == ([("RETURN_RECEIVED", 2)], 1)
    assert world.order(number).status == "shipped"


def test_a_refund_in_the_shop_accepts_the_return_at_bol(world: World) -> None:
    number = sold(world)
    world.market.add_return(number, quantity=2)
    engine.round_trip()
    world.shop.refund_by_hand(world.order(number).shop_order_id, "MUG", 2)
    engine.settle()
    assert told(world) == [("RETURN_RECEIVED", 2)]
    assert statuses(world) == ["accepted"]
    engine.round_trip()
    assert refunds(world) == 1  # the staff's own stays the only one


def test_what_the_seller_decides_in_the_account_arrives(world: World) -> None:
    return_id = world.market.add_return(sold(world))
    engine.round_trip()
    world.market.handle_return_by_hand(return_id)
    engine.settle()
    engine.settle()
    assert statuses(world) == ["accepted"]
    assert told(world) == []
    assert refunds(world) == 1


def test_a_part_is_decided_at_a_time(world: World) -> None:
    world.market.add_return(sold(world))
    engine.round_trip()
    decide(world, returns(world)[0], V.ACCEPTED, 1)
    engine.settle()
    engine.settle()
    assert statuses(world) == ["new"]
    decide(world, returns(world)[0], V.REJECTED)
    engine.settle()
    assert told(world) == [("RETURN_RECEIVED", 1), ("RETURN_DOES_NOT_MEET_CONDITIONS", 2)]
    assert refunds(world) == 1


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.TRUNCATED, Fault.HTML_200])
def test_whatever_is_cut_it_is_decided_and_refunded_once(world: World, fault: Fault) -> None:
    world.market.add_return(sold(world))
    engine.round_trip()
    world.market.fail("PUT /retailer/returns/", fault)
    world.shop.fail("POST .*/refunds", fault)
    decide(world, returns(world)[0])
    for _ in range(3):
        engine.settle(12)
    assert told(world) == [("RETURN_RECEIVED", 3)]
    assert refunds(world) == 1
    assert statuses(world) == ["accepted"]


def test_what_bol_refuses_is_an_error_and_can_be_decided_again(world: World) -> None:
    world.market.add_return(sold(world))
    engine.round_trip()
    world.market.fail_next_process("RMA is closed")
    decide(world, returns(world)[0])
    engine.settle()
    (returned,) = returns(world)
    assert (returned.status, returned.error_code, returned.error_detail) == ("new", "return.refused", "RMA is closed")
    decide(world, returned, V.ACCEPTED, 3)
    engine.settle()
    assert told(world) == [("RETURN_RECEIVED", 3)]
    assert [(one.status, one.error_code) for one in returns(world)] == [("accepted", "")]


def test_a_refund_that_the_shop_cannot_make_is_an_error_of_the_return(world: World) -> None:
    number = sold(world)
    world.market.add_return(number)
    engine.round_trip()
    world.shop.refund_by_hand(world.order(number).shop_order_id, "MUG", 3)  # not seen before bol's own decision
    world.market.handle_return_by_hand(next(iter(world.market.returns)))
    engine.hurry()
    with company_scope(world.company.pk):
        Order.objects.update(shop_order_id="404404")
    engine.settle()
    engine.settle()
    (returned,) = returns(world)
    assert returned.status == "accepted"
    assert returned.error_code in ("order.gone", "refund.refused")


def test_a_return_of_an_order_that_never_came_here_is_left_alone(world: World) -> None:
    number = world.market.add_order("MUG", placed_at=world.pair.start_at.replace(year=2020))
    world.market.add_return(number)
    engine.settle()
    assert returns(world) == []


def test_a_return_that_cannot_be_read_is_visible_and_holds_up_nothing(world: World) -> None:
    first, second = sold(world), sold(world)
    broken, fine = world.market.add_return(first), world.market.add_return(second)
    item = world.market.returns[broken].items[0]
    rma, item.rma_id = item.rma_id, ""
    engine.round_trip()
    (record,) = world.unreadable()
    assert (record.topic, record.external_id, record.error_code) == ("returns", broken, "return.unreadable")
    assert [one.return_id for one in returns(world)] == [fine]
    item.rma_id = rma
    engine.round_trip()
    assert world.unreadable() == []
    assert len(returns(world)) == 2


def test_goods_of_bols_warehouse_arrive_as_accepted(make_world: Callable[..., World]) -> None:
    world = make_world(fulfilment_type="marketplace")
    number = world.market.add_order("MUG", 2, "20.00", fulfilment="FBB")
    engine.settle()
    before = stock(world)
    world.market.add_return(number, settled="RETURN_RECEIVED")
    engine.settle()
    engine.settle()
    assert statuses(world) == ["accepted"]
    assert told(world) == []
    assert refunds(world) == 1
    assert stock(world) == before  # they lie in bol's warehouse


def test_a_test_order_comes_back_as_a_test(world: World) -> None:
    with company_scope(world.company.pk):
        order = send_test_order(world.pair, Wanted("MUG", 2, Decimal("9.99")))
    engine.settle()
    with company_scope(world.company.pk):
        (returned,) = send_test_return(Order.objects.get(pk=order.pk))
        decide_return(Order.objects.get(pk=order.pk), ReturnDecided("1", returned.pk, V.ACCEPTED), user=None)
    engine.settle()
    assert statuses(world) == ["accepted"]
    assert told(world) == []
    assert refunds(world) == 1
