"""Every setting of an order connection, by what the shop or the marketplace receives with it and without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import pytest

from connections.options import Options
from tests import engine
from tests.world import World

Look = Callable[[World], Any]


@dataclass(frozen=True)
class Case:
    """`look` lets something happen and tells what a remote received; `usual` without the setting, `changed` with."""

    look: Look
    usual: Any
    changed: Any


def created(world: World, **order: Any) -> dict[str, Any]:
    """The newest order that the shop really made."""
    world.market.add_order(**{"sku": "MUG", "unit_price": "20.00", **order})
    engine.settle()
    body: dict[str, Any] = world.shop.effects("create_order")[-1].data
    return body


def meta(world: World, key: str) -> str:
    found = [row["value"] for row in created(world)["meta_data"] if row["key"] == key]
    return str(found[0]) if found else ""


def number_in_shop(world: World) -> str:
    """Without the marketplace's digits, which are other ones each time."""
    return meta(world, "_order_number").rstrip("0123456789")


def has_number(world: World) -> bool:
    return bool(meta(world, "_order_number"))


def title_of_payment(world: World) -> str:
    return str(created(world)["payment_method_title"])


def title_of_shipping(world: World) -> str:
    return str(created(world)["shipping_lines"][0]["method_title"])


def customer(world: World) -> int:
    return int(created(world).get("customer_id", 0))


def total_with_discount(world: World) -> str:
    number = world.market.add_order(sku="MUG", unit_price="20.00")
    world.market.orders[number].items[0].discount = type(world.market.orders[number].items[0].unit_price)("5.00")
    engine.settle()
    return str(world.shop.effects("create_order")[-1].data["total"])


def shipped_without_code(world: World) -> bool:
    number = world.market.add_order(sku="MUG")
    engine.settle()
    world.shop.complete(world.order(number).shop_order_id)
    engine.settle()
    return bool(world.market.effects("ship"))


def transporter_of_a_bare_code(world: World) -> str:
    number = world.market.add_order(sku="MUG")
    engine.settle()
    world.shop.ship(world.order(number).shop_order_id, "NOBODY-KNOWS-1", "")
    engine.settle()
    effects = world.market.effects("ship")
    return str(effects[-1].data["transport"]["transporterCode"]) if effects else ""


def found_by_ean(world: World) -> bool:
    number = world.market.add_order(sku="ELSEWHERE-MUG", unit_price="20.00")
    ean = world.market.orders[number].items[0].ean
    world.shop.add_product(ean, "20.00", stock=10)
    engine.settle()
    return bool(world.shop.effects("create_order"))


def sold_out(world: World) -> bool:
    world.shop.add_product("RARE", "20.00", stock=0)
    world.market.add_order(sku="RARE")
    engine.settle()
    return bool(world.shop.effects("create_order"))


def notes_of_a_cancellation(world: World) -> int:
    number = world.market.add_order(sku="MUG")
    engine.settle()
    world.market.cancel_by_hand(number)
    engine.settle()
    return len(world.shop.effects("note"))


def returned(world: World) -> World:
    """Two mugs were shipped, and come back."""
    number = world.market.add_order(sku="MUG", quantity=2)
    engine.settle()
    world.shop.ship(world.order(number).shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    world.market.add_return(number)
    engine.settle()
    return world


def notes_of_a_return(world: World) -> int:
    return len(returned(world).shop.effects("note"))


def decided_at_once(world: World) -> list[str]:
    return [effect.reference for effect in returned(world).market.effects("handle_return")]


def refunds(world: World) -> int:
    returned(world).market.handle_return_by_hand(next(iter(world.market.returns)))
    engine.settle()
    engine.settle()
    return len(world.shop.effects("refund"))


def stock_after_a_return(world: World) -> int:
    refunds(world)
    (mug,) = [one for one in world.shop.products.values() if one["sku"] == "MUG"]
    return int(mug["stock_quantity"])


# setting -> what is set (another with it, where it says nothing by itself), and what is to be seen.
CASES: dict[str, tuple[dict[str, Any], Case]] = {
    "number_scheme": ({"number_scheme": "shop"}, Case(has_number, True, False)),
    "number_prefix": ({"number_scheme": "prefix", "number_prefix": "BOL-"}, Case(number_in_shop, "", "BOL-")),
    "payment_method": ({"payment_method": "Invoice"}, Case(title_of_payment, "bol", "Invoice")),
    "shipping_method": ({"shipping_method": "Bike"}, Case(title_of_shipping, "REGULAR", "Bike")),
    "shipping_methods": (
        {"shipping_method": "Bike", "shipping_methods": {"REGULAR": "Van"}},
        Case(title_of_shipping, "REGULAR", "Van"),
    ),
    "customer_id": ({"customer_id": "7"}, Case(customer, 0, 7)),
    "includes_discount": ({"includes_discount": False}, Case(total_with_discount, "15.00", "20.00")),
    "tag": ({"tag": "market"}, Case(lambda world: meta(world, "_channable_tag"), "", "market")),
    "default_transporter": ({"default_transporter": "DHL"}, Case(transporter_of_a_bare_code, "", "DHL")),
    "wait_seconds": ({"wait_seconds": 0}, Case(shipped_without_code, False, True)),
    "alternative_ids": ({"alternative_ids": ["ean"]}, Case(found_by_ean, False, True)),
    "checks_stock": ({"checks_stock": False}, Case(sold_out, False, True)),
    "retrieves_cancellations": ({"retrieves_cancellations": False}, Case(notes_of_a_cancellation, 1, 0)),
    "handles_returns": ({"handles_returns": False}, Case(notes_of_a_return, 1, 0)),
    "return_decision": ({"return_decision": "accepted"}, Case(decided_at_once, [], ["RETURN_RECEIVED"])),
    "refunds_in_shop": ({"refunds_in_shop": False}, Case(refunds, 1, 0)),
    "restocks_returns": ({"restocks_returns": False}, Case(stock_after_a_return, 1000, 998)),
}
# What no marketplace here has; tests/orders/test_shop_options.py shows it on the order that goes to the shop.
ELSEWHERE = {"includes_transaction_fee"}


def test_every_setting_is_here() -> None:
    assert CASES.keys() | ELSEWHERE == {field.name for field in fields(Options)}


@pytest.mark.parametrize("name", CASES)
def test_without_it(world: World, name: str) -> None:
    _settings, case = CASES[name]
    assert case.look(world) == case.usual


@pytest.mark.parametrize("name", CASES)
def test_with_it_a_remote_receives_something_else(world: World, name: str) -> None:
    settings, case = CASES[name]
    world.change_settings(**settings)
    assert case.look(world) == case.changed
