"""connect_account, create_order_connection, activate, sync_now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from channable.tenants.scope import company_scope
from connections import services
from connections.models import Connection, OrderConnection, Stream
from orders.models import Order, OrderPayload
from tests import engine, factories
from tests.simulators.woocommerce import WooCommerceSimulator
from tests.world import World


@pytest.fixture
def shop() -> Iterator[WooCommerceSimulator]:
    simulator = WooCommerceSimulator()
    with simulator.served():
        yield simulator


@pytest.fixture
def company(transactional_db: None) -> Any:
    return factories.CompanyFactory()


def connect(run: Any, company: Any, shop: WooCommerceSimulator, **values: str) -> Any:
    given = {"shop_url": shop.url, "consumer_key": shop.key, "consumer_secret": shop.secret, **values}
    settings = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    return run("connect_account", "--company", company.pk, "woocommerce", "My shop", *settings)


def test_an_account_is_tested_and_stored_sealed(run: Any, company: Any, shop: WooCommerceSimulator) -> None:
    made = connect(run, company, shop, product_field="id")
    with company_scope(company.pk):
        account = Connection.objects.get(pk=made["connection"])
        assert account.unseal("credentials")["consumer_secret"] == shop.secret
        assert account.settings == {"product_field": "id"}
        assert shop.secret not in account.sealed_credentials
        assert Stream.objects.filter(connection=account).exists()


def test_the_same_account_again_is_renewed(run: Any, company: Any, shop: WooCommerceSimulator) -> None:
    first = connect(run, company, shop)
    shop.change_keys()
    assert connect(run, company, shop)["connection"] == first["connection"]


def test_secrets_come_from_a_file_or_the_environment(
    run: Any, company: Any, shop: WooCommerceSimulator, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "secret").write_text(f"{shop.secret}\n")
    monkeypatch.setenv("SHOP_KEY", shop.key)
    made = connect(run, company, shop, consumer_key="env:SHOP_KEY", consumer_secret=f"@{tmp_path}/secret")
    assert made["kind"] == "woocommerce"


def test_wrong_credentials_are_refused_and_not_repeated(run: Any, company: Any, shop: WooCommerceSimulator) -> None:
    answer = connect(run, company, shop, consumer_secret="cs_wrong-secret-wrong-secret")
    assert answer["code"] == "connector.auth"
    assert "wrong-secret" not in str(answer)
    with company_scope(company.pk):
        assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("nowhere", [], "There is no system called 'nowhere'"),
        ("woocommerce", [], "is missing"),
        ("woocommerce", ["shop=x"], "has no 'shop'"),
        ("woocommerce", ["shop_url"], "NAME=VALUE"),
        ("woocommerce", ["shop_url=a", "shop_url=b"], "set twice"),
        ("woocommerce", ["shop_url=@/nowhere/at/all"], "can't be read"),
        ("woocommerce", ["shop_url=env:NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        ("woocommerce", ["product_field=colour"], "one of sku, id"),
        ("woocommerce", ["shop_url=ftp://x", "consumer_key=ck_secret-one", "consumer_secret=cs_secret-two"], ""),
    ],
)
def test_what_is_missing_or_unknown_is_named(run: Any, company: Any, kind: str, given: list[str], said: str) -> None:
    parts = [part for pair in given for part in ("--set", pair)]
    answer = run("connect_account", "--company", company.pk, kind, "Label", *parts)
    assert said in answer["error"]
    assert "secret-" not in str(answer)


# -- pairs --------------------------------------------------------------------------------------------


def pair_up(run: Any, world: World, *more: Any) -> Any:
    """Another order connection on the two accounts."""
    ends = ["--project", world.project.pk, "--marketplace", world.marketplace.pk, "--shop", world.platform.pk]
    return run("create_order_connection", "--company", world.company.pk, *ends, *more)


def pause(world: World) -> None:
    with company_scope(world.company.pk):
        services.pause(world.pair)


def test_a_pair_is_made_with_its_settings(run: Any, world: World) -> None:
    given = ["--name", "Market NL", "--channel", "NL", "--start-at", "2026-01-02", "--set", "wait_seconds=60"]
    made = pair_up(run, world, *given, "--set", "checks_stock=false", "--set", "number_prefix=007")
    with company_scope(world.company.pk):
        row = OrderConnection.objects.get(pk=made["order_connection"])
    assert (row.name, row.channel, row.is_active) == ("Market NL", "NL", False)
    assert row.start_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert row.settings == {"wait_seconds": 60, "checks_stock": False, "number_prefix": "007"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "colour=red"], "no setting colour"),
        (["--set", "wait_seconds=soon"], "wait_seconds"),
        (["--shop", "999999"], "no connection 999999"),
        (["--project", "999999"], "no project 999999"),
    ],
)
def test_a_pair_that_cannot_be_is_refused(run: Any, world: World, more: list[str], said: str) -> None:
    assert said in pair_up(run, world, *more)["error"]


def test_two_shops_cannot_be_paired(run: Any, world: World) -> None:
    assert "marketplace on one side" in pair_up(run, world, "--marketplace", world.platform.pk)["error"]


def test_the_accounts_of_another_company_cannot_be_paired(run: Any, world: World) -> None:
    theirs = factories.ConnectionFactory()
    assert f"no connection {theirs.pk}" in pair_up(run, world, "--shop", theirs.pk)["error"]


def test_a_start_without_an_offset_is_utc_and_nonsense_is_refused(say: Any, run: Any, world: World) -> None:
    assert pair_up(run, world, "--start-at", "2026-01-02T03:04:05")["start_at"] == "2026-01-02T03:04:05+00:00"
    with pytest.raises(CommandError, match="start-at"):
        pair_up(say, world, "--start-at", "soon")


def test_activating_starts_the_streams_of_both_accounts(run: Any, world: World) -> None:
    pause(world)
    with company_scope(world.company.pk):
        assert not Stream.objects.filter(is_active=True).exists()
    answer = run("activate", "--company", world.company.pk, world.pair.pk)
    assert answer == {"order_connection": world.pair.pk, "is_active": True}
    with company_scope(world.company.pk):
        polled = Stream.objects.filter(is_active=True).values_list("connection", flat=True)
        assert set(polled) == {world.marketplace.pk, world.platform.pk}


def test_an_overlap_is_refused_in_words(run: Any, world: World) -> None:
    second = pair_up(run, world)["order_connection"]
    assert "already takes these orders" in run("activate", "--company", world.company.pk, second)["error"]


def test_a_pair_of_another_company_does_not_exist(run: Any, world: World) -> None:
    stranger = factories.CompanyFactory()
    for command in ("activate", "sync_now"):
        answer = run(command, "--company", stranger.pk, world.pair.pk)
        assert answer == {"error": f"The company has no order connection {world.pair.pk}."}


# -- syncing ------------------------------------------------------------------------------------------


def test_sync_now_makes_both_accounts_due(run: Any, world: World) -> None:
    later = timezone.now() + timedelta(hours=1)
    with company_scope(world.company.pk):
        count = Stream.objects.filter(is_active=True).update(next_run_at=later)
    assert run("sync_now", "--company", world.company.pk, world.pair.pk)["streams"] == count >= 2
    with company_scope(world.company.pk):
        assert not Stream.objects.filter(is_active=True, next_run_at__gt=timezone.now()).exists()


def test_sync_now_says_when_nothing_is_polled(say: Any, world: World) -> None:
    pause(world)
    assert "is it active?" in say("sync_now", "--company", world.company.pk, world.pair.pk)


def test_a_dry_run_shows_what_a_sync_would_do_and_stores_nothing(run: Any, say: Any, world: World) -> None:
    number = world.market.add_order()
    answer = run("sync_now", "--company", world.company.pk, world.pair.pk, "--dry-run")
    assert answer["orders"] == [{"external_id": number, "status": "open", "what": "new"}]
    assert world.orders == []
    engine.settle()
    answer = run("sync_now", "--company", world.company.pk, world.pair.pk, "--dry-run")
    assert {order["what"] for order in answer["orders"]} <= {"same"}
    assert "nothing was stored" in say("sync_now", "--company", world.company.pk, world.pair.pk, "--dry-run")


def test_a_dry_run_on_refused_credentials_says_so(run: Any, world: World) -> None:
    world.market.api_key = "another-key"
    assert run("sync_now", "--company", world.company.pk, world.pair.pk, "--dry-run")["code"] == "connector.auth"


def test_a_dry_replay_says_what_differs_and_writes_nothing(run: Any, world: World) -> None:
    world.market.add_order()
    engine.settle()
    with company_scope(world.company.pk):
        payload = OrderPayload.objects.filter(source="marketplace").latest("id")
    arguments = ("replay_payload", "--company", world.company.pk, payload.pk)
    assert run(*arguments)["what"] == "nothing differs"
    with company_scope(world.company.pk):
        Order.objects.filter(pk=payload.order_id).update(total_amount=1)
    assert "total" in run(*arguments, "--dry-run")["what"]
    assert world.orders[0].total_amount == 1


def test_a_payload_of_another_company_does_not_exist(run: Any, world: World) -> None:
    world.market.add_order()
    engine.settle()
    with company_scope(world.company.pk):
        payload = OrderPayload.objects.latest("id")
    stranger = factories.CompanyFactory()
    answer = run("replay_payload", "--company", stranger.pk, payload.pk)
    assert answer == {"error": f"The company has no payload {payload.pk}."}


# -- settings -----------------------------------------------------------------------------------------


def test_settings_are_changed_one_by_one_and_set_back(run: Any, world: World) -> None:
    def change(*pairs: str) -> Any:
        sets = [part for pair in pairs for part in ("--set", pair)]
        return run("change_settings", "--company", world.company.pk, world.pair.pk, *sets)

    assert change("tag=bol", 'alternative_ids=["ean", "mpn"]')["settings"] == {
        "tag": "bol",
        "alternative_ids": ["ean", "mpn"],
    }
    assert change("wait_seconds=60")["settings"]["tag"] == "bol"
    assert change("tag=null", "alternative_ids=null")["settings"] == {"wait_seconds": 60}
    with company_scope(world.company.pk):
        assert OrderConnection.objects.get(pk=world.pair.pk).options.wait_seconds == 60


@pytest.mark.parametrize("wrong", ["colour=red", "wait_seconds=-7", "alternative_ids=ean", "colour=null"])
def test_a_setting_that_cannot_be_is_refused_and_nothing_changes(run: Any, world: World, wrong: str) -> None:
    answer = run("change_settings", "--company", world.company.pk, world.pair.pk, "--set", wrong)
    assert answer["error"]
    with company_scope(world.company.pk):
        assert OrderConnection.objects.get(pk=world.pair.pk).settings == world.pair.settings
