"""Due times are the database's: a worker whose own clock is wrong neither waits nor hurries."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from channable.tenants.scope import all_companies
from connections import relay
from connections.models import OutboxMessage
from tests import engine
from tests.world import World

WRONG = [timedelta(minutes=10), timedelta(minutes=-10)]


def sync_with_clock(world: World, wrong: timedelta) -> None:
    """Only the worker's clock is wrong: the simulators live in this process, so theirs is put right."""
    for remote in (world.market, world.shop):
        remote.advance(seconds=-wrong.total_seconds())
    with time_machine.travel(timezone.now() + wrong, tick=True):
        engine.sync()
    for remote in (world.market, world.shop):
        remote.advance(seconds=wrong.total_seconds())


@pytest.mark.parametrize("wrong", WRONG, ids=["fast", "slow"])
def test_what_a_worker_with_a_wrong_clock_decides_is_due_at_once(world: World, wrong: timedelta) -> None:
    number = world.market.add_order()
    engine.hurry()
    sync_with_clock(world, wrong)
    claims = relay.claim_senders()
    assert [claim.connection_id for claim in claims] == [world.platform.pk]
    engine.settle()
    world.shop.ship(world.order(number).shop_order_id, "3SABCD12345678", "PostNL")
    engine.hurry()
    sync_with_clock(world, wrong)
    with all_companies():  # the test's whole database
        message = OutboxMessage.objects.get(kind="confirm_shipment")
    assert message.not_before <= timezone.now()
    assert not message.looks_first


def test_an_order_is_recorded_when_it_arrived_by_the_database(world: World) -> None:
    number = world.market.add_order()
    engine.hurry()
    sync_with_clock(world, timedelta(minutes=10))
    assert world.order(number).created_at <= timezone.now()
