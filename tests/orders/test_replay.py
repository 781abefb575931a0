"""A stored payload is read again, after a mapping was put right."""

from __future__ import annotations

from decimal import Decimal

from channable.tenants.scope import company_scope
from orders.models import Order, OrderPayload
from orders.services.replay import replay
from tests import engine
from tests.world import World


def misread(world: World) -> OrderPayload:
    """An order that was stored with a wrong total; inside its company."""
    world.market.add_order()
    engine.hurry()
    engine.sync()
    with company_scope(world.company.pk):
        Order.objects.update(total_amount=Decimal("1.00"), channel="XX")
        payload: OrderPayload = OrderPayload.objects.get()
    return payload


def test_a_replay_writes_what_the_marketplace_said(world: World) -> None:
    payload = misread(world)
    with company_scope(world.company.pk):
        assert "total: 1.0000 -> 39.98" in replay(payload, dry_run=False)
        assert Order.objects.get().total_amount == Decimal("39.98")
        assert replay(payload, dry_run=False) == "nothing differs"


def test_a_dry_run_tells_and_writes_nothing(world: World) -> None:
    payload = misread(world)
    with company_scope(world.company.pk):
        assert "total: 1.0000 -> 39.98" in replay(payload, dry_run=True)
        assert Order.objects.get().total_amount == Decimal("1.00")
