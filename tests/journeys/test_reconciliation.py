"""Comparing with both remotes: fifty planted differences are found, nothing else is, what was mended is resolved."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from channable.tenants.scope import company_scope
from connections.models import ConnectionState, OrderConnection
from orders.models import Finding, Order
from orders.models.item import ItemPart
from orders.services.events import ShippedByHand
from orders.services.handle import handle_manually, ship
from orders.services.reconcile import CannotCompare, Comparison, pairs_of_the_hour, reconcile
from tests import engine
from tests.world import World

LINES = [("MUG", 1, "20.00"), ("TEA", 2, "5.00")]


def compared(world: World, **later: int) -> Comparison:
    """As if a few hours had passed, so that nothing changed just now."""
    with company_scope(world.company.pk):
        pair = OrderConnection.objects.select_related("marketplace", "shop").get(pk=world.pair.pk)
    return reconcile(pair, now=timezone.now() + timedelta(**(later or {"hours": 3})))


def open_findings(world: World) -> set[tuple[str, str]]:
    with company_scope(world.company.pk):
        rows = Finding.objects.open().filter(order_connection=world.pair)
        return {(row.code.removeprefix("reconcile."), row.external_id) for row in rows}


class Account:
    """A busy account: orders in every state, settled; then things go wrong behind our back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.planted: set[tuple[str, str]] = set()
        self.open = self._placed(40)
        self.shipped = self._placed(20)
        self.cancelled = self._placed(10)
        self.partial = self._placed(8)
        self.waiting = self._placed(3)
        self.manual = self._placed(3)
        for number in self.shipped:
            world.shop.ship(self.shop_id(number), f"3SABCD{number}", "PostNL")
        for number in self.cancelled:
            world.shop.cancel(self.shop_id(number))
        for number in self.partial:
            world.market.ship_by_hand(number, line=0)
        for number in self.waiting:
            world.shop.complete(self.shop_id(number))
        engine.settle()
        with company_scope(world.company.pk):
            for number in self.manual:
                handle_manually(Order.objects.get(external_id=number), user=None)
        engine.settle()
        statuses = Counter(order.status for order in world.orders)
        assert statuses == {
            "not_shipped": 40, "shipped": 20, "cancelled": 10, "partial": 8, "waiting": 3, "manual": 3,
        }  # fmt: skip

    def _placed(self, count: int) -> list[str]:
        numbers = [self.world.market.add_order(lines=LINES) for _ in range(count)]
        engine.settle()
        return numbers

    def shop_id(self, number: str) -> str:
        return self.world.order(number).shop_order_id

    def plant(self, code: str, number: str) -> None:
        self.planted.add((code, number))

    def items(self, number: str) -> list[Any]:
        return list(self.world.market.orders[number].items)

    def go_wrong(self) -> None:
        """Fifty differences, of every kind, none of which leaves a trace in a list of changes."""
        spare_open, spare_shipped = iter(self.open), iter(self.shipped)
        self._at_marketplace(spare_open, spare_shipped)
        self._in_shop(spare_open)
        assert len(self.planted) == 50

    def _at_marketplace(self, spare_open: Iterator[str], spare_shipped: Iterator[str]) -> None:
        market = self.world.market
        for _ in range(5):
            self.plant("missing_here", market.add_order(lines=LINES))
        for _ in range(5):
            number = next(spare_open)
            self.plant("gone_there", number)
            del market.orders[number]
        for _ in range(5):
            number = next(spare_open)
            self.plant("closed_there", number)
            for item in self.items(number):
                item.shipped = item.quantity
        for _ in range(4):
            number = next(spare_shipped)
            self.plant("not_shipped_there", number)
            for item in self.items(number):
                item.shipped = 0
        for number in self.cancelled[:4]:
            self.plant("not_cancelled_there", number)
            for item in self.items(number):
                item.cancelled = 0
        for _ in range(3):
            number = next(spare_shipped)
            self.plant("other_end", number)
            for item in self.items(number):
                item.shipped, item.cancelled = 0, item.quantity
        for number in self.partial[:4]:
            self.plant("quantities", number)
            self.items(number)[1].shipped = 1

    def _in_shop(self, spare_open: Iterator[str]) -> None:
        shop, world = self.world.shop, self.world
        for _ in range(5):
            number = next(spare_open)
            self.plant("not_in_shop", number)
            with company_scope(world.company.pk):
                Order.objects.filter(external_id=number).update(shop_order_id="")
        for _ in range(5):
            number = next(spare_open)
            self.plant("gone_in_shop", number)
            del shop.orders[self.shop_id(number)]
        for _ in range(5):
            number = next(spare_open)
            self.plant("doubled_in_shop", number)
            again = copy.deepcopy(shop.orders[self.shop_id(number)])
            again["id"] += 100_000
            shop.orders[str(again["id"])] = again
        for _ in range(3):
            number = next(spare_open)
            self.plant("not_told", number)
            shop.orders[self.shop_id(number)]["status"] = "completed"
        for _ in range(2):
            number = next(spare_open)
            self.plant("cancelled_in_shop", number)
            shop.orders[self.shop_id(number)]["status"] = "cancelled"


@pytest.fixture
def account(world: World) -> Account:
    return Account(world)


def test_fifty_planted_differences_are_found_and_no_other(world: World, account: Account) -> None:
    assert compared(world).found == []
    account.go_wrong()
    comparison = compared(world)
    assert open_findings(world) == account.planted
    assert (comparison.opened, comparison.compared) == (50, 84)


def test_what_was_mended_is_resolved_and_the_rest_stays(world: World, account: Account) -> None:
    account.go_wrong()
    compared(world)
    doubled = {number for code, number in account.planted if code == "doubled_in_shop"}
    missing = {number for code, number in account.planted if code == "missing_here"}
    for number in doubled:
        del world.shop.orders[str(int(account.shop_id(number)) + 100_000)]
    engine.settle()  # what was missing comes in
    comparison = compared(world, hours=4)
    left = open_findings(world)
    assert not {number for _code, number in left} & (doubled | missing)
    assert comparison.resolved >= 10
    assert comparison.opened == 0
    with company_scope(world.company.pk):
        row = Finding.objects.get(code="reconcile.doubled_in_shop", external_id=min(doubled))
        assert row.resolved_at and row.resolved_at > row.last_seen_at


def test_what_is_on_its_way_or_changed_just_now_is_no_difference(world: World) -> None:
    number = world.market.add_order(lines=LINES)
    engine.settle()
    with company_scope(world.company.pk):
        ship(Order.objects.get(external_id=number), ShippedByHand("1", None, "3SABCD12345678", "POSTNL"), user=None)
    for item in world.market.orders[number].items:
        item.shipped = item.quantity  # as if bol had executed it and its answer were still to come
    assert compared(world).found == []
    engine.settle()
    late = world.market.add_order(lines=LINES)
    assert compared(world, minutes=1).found == []  # nobody had the time to read it
    assert [one.external_id for one in compared(world).found] == [late]


def test_an_account_that_has_to_be_connected_again_is_not_compared(world: World) -> None:
    with company_scope(world.company.pk):
        type(world.marketplace).objects.filter(pk=world.marketplace.pk).update(state=ConnectionState.EXPIRED)
    with pytest.raises(CannotCompare, match="connected again"):
        compared(world)


def test_a_company_sees_its_own_differences_alone(make_world: Any) -> None:
    first, second = make_world(), make_world()
    first.market.add_order(order_id="1234567890")
    compared(first)
    compared(second)
    assert open_findings(first) == {("missing_here", "1234567890")}
    assert open_findings(second) == set()


def test_the_command_says_what_differs_and_what_to_do(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    number = world.market.add_order()
    engine.settle()
    with company_scope(world.company.pk):
        ItemPart.objects.filter(order__external_id=number).update(status="shipped")
        Order.objects.filter(external_id=number).update(
            status="shipped", modified_at=timezone.now() - timedelta(hours=1)
        )
    call_command("reconcile", company=str(world.company.pk), days=7)
    said = capsys.readouterr().out
    assert f"{number}: Shipped here and open at the marketplace." in said
    assert "Confirm the shipment in the seller account." in said


def test_every_order_connection_has_its_hour_of_the_night(world: World) -> None:
    hours = [hour for hour in range(24) if (world.company.pk, world.pair.pk) in pairs_of_the_hour(hour)]
    assert len(hours) == 1
    assert hours[0] < 6
