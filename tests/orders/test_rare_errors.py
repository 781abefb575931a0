"""Errors that few remotes can cause, each the whole way from the remote to the order's page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from channable.tenants.scope import company_scope
from connections.connectors import CONNECTORS
from connections.connectors.types import Done, ShipmentData
from orders.services.handle import resend
from tests import engine
from tests.example.connector import ExampleConnector
from tests.example.simulator import ExampleMarket, ExampleShop
from tests.simulators.base import Fault
from tests.world import FORMS, World, build, examples_registered


class BlindConnector(ExampleConnector):
    """A marketplace that can neither search nor list its shipments."""

    kind = "blind"

    def find_shipment(self, order_ref: str, shipment: ShipmentData, *, key: str, since: datetime) -> Done | None:
        raise NotImplementedError


class BlindMarket(ExampleMarket):
    name = "blind"


@pytest.fixture
def blind_world(transactional_db: None) -> Iterator[World]:
    market, shop = BlindMarket(), ExampleShop()
    with examples_registered(), market.served(), shop.served():
        CONNECTORS["blind"], FORMS["blind"] = BlindConnector, FORMS["example"]
        try:
            yield build(market, shop)
        finally:
            del CONNECTORS["blind"], FORMS["blind"]


def in_the_shop(world: World) -> str:
    number: str = world.market.add_order()
    engine.settle()
    assert world.order(number).shop_order_id
    return number


def test_what_nobody_can_look_up_is_left_to_a_person(blind_world: World) -> None:
    number = in_the_shop(blind_world)
    blind_world.shop.ship(blind_world.order(number).shop_order_id, "3SABCD12345678")
    blind_world.market.fail("POST /orders/.*/shipments", Fault.RESET_BEFORE)
    engine.settle()
    assert blind_world.order(number).error_code == "outbox.needs_check"
    assert blind_world.market.effects("ship") == []  # for all we know it may have arrived, so it is not sent again
    with company_scope(blind_world.company.pk):
        resend(blind_world.order(number), user=None)
    engine.settle()
    assert blind_world.order(number).error_code == "outbox.needs_check"  # even a person's resend looks first


def test_a_marketplace_that_takes_no_cancellations(world: World) -> None:
    number = in_the_shop(world)
    world.shop.cancel(world.order(number).shop_order_id)
    engine.settle()
    order = world.order(number)
    assert (order.status, order.error_code) == ("not_shipped", "cancellation.unsupported")
    engine.settle()
    assert world.timeline(number).count("cancellation.unsupported") == 1
