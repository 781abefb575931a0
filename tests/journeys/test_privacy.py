"""Logs and errors hold words and ids, never the buyer and never a secret."""

from __future__ import annotations

import logging

import pytest

from channable.tenants.scope import company_scope
from connections.models import Exchange
from tests import engine
from tests.simulators.base import Fault
from tests.world import World

BUYER = ("Geheimhuizen", "privaat@example.com", "Verborgenstraat", "9876 ZX")


def ordered(world: World, sku: str = "MUG") -> str:
    number: str = world.market.add_order(sku, surname=BUYER[0], email=BUYER[1], streetName=BUYER[2], zipCode=BUYER[3])
    return number


def test_neither_logs_nor_kept_exchanges_tell_of_a_buyer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    good, unknown = ordered(world), ordered(world, "UNKNOWN")
    broken = ordered(world)
    world.market.poison(broken, lambda raw: raw["orderItems"][0].update(quantity="two"))
    world.shop.fail("POST .*/orders", Fault.BAD_GATEWAY_AFTER)
    engine.settle()
    assert world.order(good).shop_order_id
    assert world.order(unknown).error_code == "product.not_found"
    assert len(world.unreadable()) == 1
    secrets = (world.market.client_secret, world.shop.consumer_secret, world.shop.consumer_key)
    with company_scope(world.company.pk):
        kept = " ".join(
            f"{row.url} {row.request_body} {row.response_body} {row.error}" for row in Exchange.objects.all()
        )
    assert kept
    for word in (*BUYER, *secrets):
        assert word not in kept
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    for word in (*BUYER, *secrets):
        assert word not in logged
