"""seed_demo: a company, a log-in and two connected systems, once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django_celery_beat.models import PeriodicTask

from channable.celery import PERIODIC
from channable.tenants.models import Company, Membership, User
from channable.tenants.scope import all_companies, company_scope
from connections import services
from connections.models import Connection, OrderConnection
from orders.models import Order
from tests import engine
from tests.simulators.playground import Playground

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seed(settings: Any, monkeypatch: Any) -> Callable[[Playground], Any]:
    settings.DEMO = True

    def call(playground: Playground) -> Any:
        monkeypatch.setenv("SIMULATORS_PORT", playground.url.rpartition(":")[2])
        out = io.StringIO()
        call_command("seed_demo", "--json", stdout=out)
        return json.loads(out.getvalue())

    return call


def pair(facts: Any) -> OrderConnection:
    with company_scope(facts["company"]):
        return OrderConnection.objects.select_related("marketplace", "shop").get()


def test_it_refuses_outside_the_demo(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=1 is not set"):
        call_command("seed_demo")
    assert not User.objects.exists()


def test_it_says_when_the_simulators_do_not_answer(settings: Any, monkeypatch: Any) -> None:
    settings.DEMO = True
    monkeypatch.setenv("SIMULATORS_PORT", "1")
    with pytest.raises(CommandError, match="The simulators"):
        call_command("seed_demo")


def test_it_makes_everything_that_the_demo_needs(seed: Any, playground: Playground) -> None:
    facts = seed(playground)
    user = User.objects.get(email=facts["user"])
    assert user.check_password(facts["password"])
    assert user.is_superuser and user.is_staff and user.emailaddress_set.get().verified
    assert Membership.objects.get(user=user).company_id == facts["company"]
    assert pair(facts).is_active
    assert set(PeriodicTask.objects.filter(name__in=PERIODIC).values_list("name", flat=True)) == set(PERIODIC)


def test_a_second_time_nothing_is_doubled(seed: Any, playground: Playground) -> None:
    assert seed(playground) == seed(playground)
    with all_companies():
        counts = [model.objects.count() for model in (Company, User, Connection, OrderConnection)]
    assert counts == [1, 1, 2, 1]


def test_what_a_person_changed_stays(seed: Any, playground: Playground) -> None:
    facts = seed(playground)
    user = User.objects.get()
    user.set_password("a password of my own")
    user.save()
    with company_scope(facts["company"]):
        services.pause(pair(facts))
    seed(playground)
    assert User.objects.get().check_password("a password of my own")
    assert not pair(facts).is_active


def test_another_port_is_still_the_same_shop(seed: Any, open_playground: Callable[[], Playground]) -> None:
    first = open_playground()
    former = pair(seed(first)).shop
    first.stop()
    moved = pair(seed(open_playground())).shop
    assert moved.pk == former.pk and moved.account_id != former.account_id


def test_a_demo_order_goes_all_the_way_round(seed: Any, playground: Playground) -> None:
    facts = seed(playground)
    number = playground.bol.buy()
    engine.settle()
    [order_id] = playground.shop.orders
    playground.shop.ship(order_id, "3SABCD123456789", "postnl")
    engine.settle()
    with company_scope(facts["company"]):
        assert Order.objects.get(external_id=number).status == "shipped"
    assert [effect.subject for effect in playground.bol.effects("ship")] == [number]


def test_its_odd_orders_show_what_errors_look_like(seed: Any, playground: Playground) -> None:
    facts = seed(playground)
    unknown, unreadable = playground.bol.buy_unknown(), playground.bol.buy_unreadable()
    engine.round_trip()
    engine.round_trip()
    with company_scope(facts["company"]):
        assert Order.objects.get(external_id=unknown).error_code
        account = pair(facts).marketplace
        assert [record.external_id for record in account.refused_records.all()] == [unreadable]
