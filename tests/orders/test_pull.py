"""Orders come in: each once, whole, in a handful of statements, whatever the marketplace sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channable.core import stopping
from channable.tenants.scope import company_scope
from connections import dispatch, services
from connections.models import Connection, OrderConnection, RefusedRecord, Stream, SyncRun
from connections.tasks import HANDLERS
from orders.models import Address, Order, OrderItem, OrderPayload
from tests import engine
from tests.simulators.base import Fault
from tests.world import World

Raw = dict[str, Any]


def sync(world: World) -> CaptureQueriesContext:
    """One run of the marketplace's stream; the statements it took."""
    engine.hurry()
    claims = [claim for claim in dispatch.claim_due() if _topic(claim) == "orders"]
    with CaptureQueriesContext(database) as statements:
        for claim in claims:
            run = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
            assert run is not None
            dispatch.run_stream(run, HANDLERS["orders"])
    return statements


def _topic(claim: dispatch.Claim) -> str:
    with company_scope(claim.company_id):
        return Stream.objects.get(pk=claim.stream_id).topic


def last_run(world: World) -> SyncRun:
    with company_scope(world.company.pk):
        return SyncRun.objects.filter(connection=world.marketplace).latest("id")


def change(world: World, number: str, mutate: Callable[[Raw], Any]) -> None:
    """The marketplace changes an order."""
    raw = world.market.orders[number]
    mutate(raw)
    raw["changed_at"] = world.market.now().isoformat()


def test_a_new_order_is_listed_whole_and_queued_for_the_shop(world: World) -> None:
    number = world.market.add_order()
    sync(world)
    order = world.order(number)
    assert (order.status, order.number, order.total_amount, order.currency) == (
        "not_shipped",
        number,
        Decimal("39.98"),
        "EUR",
    )
    assert order.customer_name == "Ada de Vries"
    assert number.lower() in order.search_text
    assert world.timeline(number) == ["order.received"]
    with company_scope(world.company.pk):
        assert OrderItem.objects.get(order=order).quantity == 2
        assert Address.objects.filter(order=order).count() == 2
        assert OrderPayload.objects.get(order=order).body["number"] == number
    assert [message.reference for message in world.messages(kind="create_order")] == [order.reference]


def test_pages_are_read_whole_and_twice_is_once(world: World) -> None:
    numbers = [world.market.add_order() for _ in range(2 * world.market.page_size + 1)]
    sync(world)
    sync(world)
    assert sorted(order.external_id for order in world.orders) == sorted(numbers)
    run = last_run(world)
    assert (run.seen, run.new) == (len(numbers), len(numbers))
    assert run.seen == run.new + run.changed + run.same + run.passed_over + run.refused


def test_a_worker_that_is_to_stop_ends_after_the_page_it_reads(world: World, stop_at: Callable[[str], None]) -> None:
    numbers = [world.market.add_order() for _ in range(2 * world.market.page_size + 1)]
    stop_at("run.written:orders")
    sync(world)
    assert len(world.orders) == world.market.page_size
    stopping.take_back()
    for claim in dispatch.claim_due():  # the rest is due at once
        run = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
        assert run is not None
        dispatch.run_stream(run, HANDLERS[run.stream.topic])
    assert sorted(order.external_id for order in world.orders) == sorted(numbers)


def test_an_idle_sync_takes_a_small_constant_number_of_statements(world: World) -> None:
    world.market.add_order()
    sync(world)
    few = len(sync(world))
    for _ in range(15):
        world.market.add_order()
    sync(world)
    unchanged = sync(world)
    assert len(unchanged) == few <= 14  # BEGIN, COMMIT and the company's setting included
    assert not any("INSERT" in statement["sql"] for statement in unchanged.captured_queries)
    assert not any('orders_order" SET' in statement["sql"] for statement in unchanged.captured_queries)


def test_a_page_of_new_orders_takes_as_many_statements_as_one_order(world: World) -> None:
    sync(world)
    world.market.add_order()
    one = len(sync(world))
    for _ in range(world.market.page_size - 2):
        world.market.add_order()
    many = len(sync(world))
    assert many <= one + 2
    assert many <= 36


def test_orders_from_before_the_start_date_are_left_alone(world: World) -> None:
    old = world.market.add_order()
    change(world, old, lambda raw: raw.update(placed_at=(timezone.now() - timedelta(days=30)).isoformat()))
    sync(world)
    assert world.orders == []


def test_an_order_without_an_order_connection_is_not_stored(world: World) -> None:
    with company_scope(world.company.pk):
        OrderConnection.objects.update(channel="BE")
    world.market.add_order()
    sync(world)
    assert world.orders == []


def test_a_changed_order_keeps_what_is_ours_and_takes_what_is_theirs(world: World) -> None:
    number = world.market.add_order()
    sync(world)
    with company_scope(world.company.pk):
        Order.objects.update(shop_order_id="88", shop_number="S-88", error_code="product.not_found")
    change(world, number, lambda raw: raw["ship_to"].update(city="Gent", name="Ada Smit"))
    sync(world)
    order = world.order(number)
    assert (order.shop_order_id, order.error_code, order.status) == ("88", "product.not_found", "not_shipped")
    assert order.customer_name == "Ada Smit"
    assert "s-88" in order.search_text
    with company_scope(world.company.pk):
        assert set(Address.objects.values_list("city", flat=True)) == {"Gent"}
        assert OrderPayload.objects.filter(order=order).count() == 2
    assert last_run(world).changed == 1


def test_a_line_added_later_is_a_new_item(world: World) -> None:
    number = world.market.add_order()
    sync(world)
    extra = {"id": f"{number}-2", "sku": "TEA", "title": "Tea", "quantity": 3, "unit_price": "2.00", "shipped": 0}
    change(world, number, lambda raw: raw["lines"].append(extra))
    sync(world)
    with company_scope(world.company.pk):
        order = Order.objects.get()
        assert sorted((part.item.product_id, part.quantity) for part in order.parts.all()) == [("MUG", 2), ("TEA", 3)]
        assert order.items_count == 5


def test_unconfirmed_orders_are_seen_but_not_sent(world: World) -> None:
    number = world.market.add_order()
    change(world, number, lambda raw: raw.update(status="reserved"))
    sync(world)
    assert world.order(number).status == "awaiting_confirmation"
    assert world.messages() == []
    change(world, number, lambda raw: raw.update(status="open"))
    sync(world)
    assert world.order(number).status == "not_shipped"
    assert len(world.messages(kind="create_order")) == 1


def test_cancelled_before_it_was_sent_is_not_sent(world: World) -> None:
    number = world.market.add_order()
    sync(world)
    change(world, number, lambda raw: raw.update(status="cancelled"))
    sync(world)
    assert world.order(number).status == "cancelled"
    assert [message.status for message in world.messages()] == ["withdrawn"]


def test_an_order_first_seen_when_it_was_shipped_by_hand_is_listed_and_not_sent(world: World) -> None:
    number = world.market.add_order()
    change(world, number, lambda raw: raw.update(status="shipped"))
    sync(world)
    assert world.order(number).status == "shipped"
    assert world.messages() == []


def test_an_old_order_is_looked_up_before_it_is_created(world: World) -> None:
    number = world.market.add_order()
    change(world, number, lambda raw: raw.update(placed_at=(timezone.now() - timedelta(hours=2)).isoformat()))
    sync(world)
    assert [message.looks_first for message in world.messages()] == [True]


# -- bad input ------------------------------------------------------------------------------------

BROKEN: dict[str, Callable[[Raw], Any]] = {
    "missing status": lambda raw: raw.pop("status"),
    "unknown status": lambda raw: raw.update(status="teleported"),
    "missing lines": lambda raw: raw.pop("lines"),
    "no lines": lambda raw: raw.update(lines=[]),
    "lines that are no objects": lambda raw: raw.update(lines=[None]),
    "no currency": lambda raw: raw.update(currency=""),
    "a wrong currency": lambda raw: raw.update(currency="euro"),
    "an amount that is none": lambda raw: raw.update(total="a lot"),
    "an endless amount": lambda raw: raw.update(total="NaN"),
    "an impossible amount": lambda raw: raw.update(total="1" + "0" * 40),
    "a negative total": lambda raw: raw.update(total="-5.00"),
    "a negative price": lambda raw: raw["lines"][0].update(unit_price="-1.00"),
    "no quantity": lambda raw: raw["lines"][0].update(quantity=0),
    "two lines with one id": lambda raw: raw["lines"].append(dict(raw["lines"][0])),
    "a date without an offset": lambda raw: raw.update(placed_at="2026-01-01T10:00:00"),
    "no address": lambda raw: raw.update(ship_to=None),
    "a number of the wrong type": lambda raw: raw["lines"][0].update(quantity="two"),
}


@pytest.mark.parametrize("mutate", BROKEN.values(), ids=BROKEN.keys())
def test_an_unreadable_order_is_visible_and_holds_up_no_other(world: World, mutate: Callable[[Raw], Any]) -> None:
    before, broken, after = (world.market.add_order() for _ in range(3))
    mutate(world.market.orders[broken])
    sync(world)
    assert sorted(order.external_id for order in world.orders) == sorted([before, after])
    (record,) = world.unreadable()
    assert record.external_id == broken
    assert record.error_code == "order.unreadable"
    assert record.error_detail
    assert record.payload["number"] == broken
    assert last_run(world).refused == 1


def test_an_unreadable_order_is_taken_as_soon_as_it_can_be_read(world: World) -> None:
    number = world.market.add_order()
    change(world, number, lambda raw: raw.update(currency=""))
    sync(world)
    change(world, number, lambda raw: raw.update(currency="EUR"))
    sync(world)
    assert [order.external_id for order in world.orders] == [number]
    assert world.unreadable() == []


def test_an_unreadable_order_is_not_reported_again_at_every_poll(world: World) -> None:
    number = world.market.add_order()
    world.market.orders[number]["currency"] = ""
    sync(world)
    first = last_run(world).pk
    sync(world)
    assert last_run(world).pk == first


def test_an_unreadable_order_stays_visible_while_others_come_in(world: World) -> None:
    broken = world.market.add_order()
    world.market.orders[broken]["currency"] = ""
    sync(world)
    world.market.add_order()
    sync(world)
    assert [record.external_id for record in world.unreadable()] == [broken]


def test_an_unreadable_order_that_turns_out_not_to_be_ours_is_no_longer_shown(world: World) -> None:
    number = world.market.add_order()
    change(world, number, lambda raw: raw.update(currency=""))
    sync(world)
    with company_scope(world.company.pk):
        OrderConnection.objects.update(start_at=timezone.now() + timedelta(days=1))
    change(world, number, lambda raw: raw.update(currency="EUR"))
    sync(world)
    assert (world.orders, world.unreadable()) == ([], [])


STRANGE: dict[str, Callable[[Raw], Any]] = {
    "emoji and four-byte text": lambda raw: raw["ship_to"].update(name="Zoë 🦄 𝕊𝕞𝕚𝕥𝕙", city="北京"),
    "a NUL": lambda raw: raw["ship_to"].update(name="Ada\x00Smit"),
    "half a surrogate": lambda raw: raw["ship_to"].update(name="Ada\ud83dSmit"),
    "a very long name": lambda raw: raw["ship_to"].update(name="A" * 10_000),
    "markup": lambda raw: raw["lines"][0].update(title="<script>alert(1)</script>"),
    "a number like our marks": lambda raw: raw["ship_to"].update(city="@exact:5@"),
}


@pytest.mark.parametrize("mutate", STRANGE.values(), ids=STRANGE.keys())
def test_strange_text_is_taken_as_text(world: World, mutate: Callable[[Raw], Any]) -> None:
    number = world.market.add_order()
    mutate(world.market.orders[number])
    sync(world)
    assert world.order(number).status == "not_shipped"
    with company_scope(world.company.pk):
        assert isinstance(OrderPayload.objects.get().body["ship_to"]["city"], str)


def test_ten_thousand_lines_are_taken(world: World) -> None:
    number = world.market.add_order(total="100000.00")
    line = world.market.orders[number]["lines"][0]
    lines = [{**line, "id": f"l-{i}", "quantity": 1, "unit_price": "10.00"} for i in range(10_000)]
    world.market.orders[number]["lines"] = lines
    sync(world)
    with company_scope(world.company.pk):
        assert OrderItem.objects.count() == 10_000


def test_amounts_that_do_not_add_up_are_flagged_and_passed_on(world: World) -> None:
    number = world.market.add_order(total="41.00")
    sync(world)
    order = world.order(number)
    assert (order.error_code, order.status, order.total_amount) == (
        "order.amounts_differ",
        "not_shipped",
        Decimal("41.00"),
    )
    assert len(world.messages(kind="create_order")) == 1


def test_a_date_in_the_future_is_flagged_and_passed_on(world: World) -> None:
    number = world.market.add_order()
    world.market.orders[number]["placed_at"] = datetime(2124, 1, 1, tzinfo=UTC).isoformat()
    sync(world)
    assert world.order(number).error_code == "order.strange_date"


def test_the_same_number_twice_in_a_page_is_one_order(world: World) -> None:
    number = world.market.add_order()
    world.market.orders["copy"] = dict(world.market.orders[number])
    sync(world)
    assert [order.external_id for order in world.orders] == [number]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.ERROR_500_BEFORE, "connector.transient"),
        (Fault.HTML_200, "connector.contract"),
        (Fault.FORBIDDEN_HTML, "connector.blocked"),
    ],
)
def test_a_failing_page_is_an_error_of_the_account_and_the_cursor_stays(world: World, fault: Fault, code: str) -> None:
    world.market.add_order()
    world.market.fail("GET /orders", fault, times=9)
    sync(world)
    with company_scope(world.company.pk):
        stream = Stream.objects.get(topic="orders")
        account = Connection.objects.get(pk=world.marketplace.pk)
    assert (stream.cursor, account.error_code) == ("", code)
    world.market.heal()
    sync(world)
    assert len(world.orders) == 1


# -- setting up -----------------------------------------------------------------------------------


def test_two_order_connections_on_one_account_may_not_overlap(world: World) -> None:
    with company_scope(world.company.pk):
        second = services.create_order_connection(
            company=world.company,
            project=world.project,
            name="Second",
            marketplace=world.marketplace,
            shop=world.platform,
            channel="BE",
        )
        with pytest.raises(services.Overlap, match="already takes these orders"):
            services.activate(second)
        OrderConnection.objects.filter(pk=world.pair.pk).update(channel="NL")
        services.activate(second)


def test_activating_reads_everything_open_again(world: World) -> None:
    with company_scope(world.company.pk):
        services.pause(world.pair)
    number = world.market.add_order()
    sync(world)
    assert world.orders == []
    with company_scope(world.company.pk):
        services.activate(world.pair)
    sync(world)
    assert [order.external_id for order in world.orders] == [number]


def test_a_paused_order_connection_keeps_what_was_pulled_and_goes_on_later(world: World) -> None:
    world.market.add_order()
    sync(world)
    with company_scope(world.company.pk):
        services.pause(world.pair)
    engine.send()
    assert world.shop.effects("create_order") == []
    with company_scope(world.company.pk):
        services.activate(world.pair)
    engine.settle()
    assert len(world.shop.effects("create_order")) == 1


def test_nothing_is_kept_of_an_idle_account(world: World) -> None:
    sync(world)
    with company_scope(world.company.pk):
        assert not SyncRun.objects.exists()
        assert not RefusedRecord.objects.exists()
