"""bol and WooCommerce: an order goes all the way round, in every weather."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channable.tenants.scope import company_scope
from connections import services
from connections.models import Connection, ConnectionState, OrderConnection, OutboxMessage
from orders.models import Order, SyncedOrder
from orders.services.events import CancelledByHand, Piece, ShippedByHand
from orders.services.handle import cancel, handle_manually, link_product, resend, ship
from orders.services.orphans import delete_account, delete_order_connection
from orders.services.sample_orders import Wanted, send_test_order
from tests import engine
from tests.factories import UserFactory
from tests.simulators.base import Fault
from tests.world import World, build, connect


def made(world: World) -> list[str]:
    """Our references, in the order in which the shop really made orders."""
    return [effect.reference for effect in world.shop.effects("create_order")]


def shipped(world: World) -> list[tuple[str, str]]:
    """(order, tracking code) of what bol really took."""
    return [
        (effect.subject, effect.data.get("transport", {}).get("trackAndTrace", ""))
        for effect in world.market.effects("ship")
    ]


def placed(world: World, **values: Any) -> str:
    """An order that stands in the shop."""
    number: str = world.market.add_order(**values)
    engine.settle()
    assert world.order(number).shop_order_id
    return number


def shop_id(world: World, number: str) -> str:
    return world.order(number).shop_order_id


def test_an_order_goes_all_the_way_round(world: World) -> None:
    number = world.market.add_order(lines=[("MUG", 2, "20.00"), ("TEA", 1, "5.00")])
    engine.round_trip()
    order = world.order(number)
    assert (order.status, made(world)) == ("not_shipped", [order.reference])
    world.shop.ship(order.shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    assert shipped(world) == [(number, "3SABCD12345678")]
    assert not any(item.open for item in world.market.orders[number].items)
    assert world.timeline(number) == [
        "order.received",
        "order.created_in_shop",
        "shop.shipped",
        "order.status",
        "shipment.sent",
        "order.status",
        "shipment.confirmed",
        "order.status",
    ]


def test_further_rounds_change_nothing(world: World) -> None:
    number = placed(world)
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    before = world.timeline(number)
    for _ in range(3):
        engine.round_trip()
    assert world.timeline(number) == before
    assert len(made(world)) == len(shipped(world)) == 1


def test_without_a_code_it_waits_and_a_late_code_is_sent(world: World) -> None:
    number = placed(world)
    world.shop.complete(shop_id(world, number))
    engine.round_trip()
    order = world.order(number)
    assert order.status == "waiting"
    assert timedelta(hours=2, minutes=59) < order.waiting_until - timezone.now() < timedelta(hours=3, minutes=1)
    world.shop.add_tracking(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    assert shipped(world) == [(number, "3SABCD12345678")]


def test_after_three_hours_it_is_sent_without_a_code(world: World) -> None:
    number = placed(world)
    world.shop.complete(shop_id(world, number))
    engine.round_trip()
    engine.end_waiting()
    engine.settle()
    assert world.order(number).status == "shipped"
    assert shipped(world) == [(number, "")]
    assert "order.wait_over" in world.timeline(number)


def test_a_shop_that_is_down_for_an_hour_delays_and_loses_nothing(world: World) -> None:
    numbers = [world.market.add_order() for _ in range(5)]
    world.shop.fail(".*", Fault.ERROR_503_BEFORE, times=10_000)
    for _ in range(12):  # twelve rounds of five minutes
        engine.round_trip()
    assert made(world) == []
    assert {world.order(number).status for number in numbers} == {"not_shipped"}
    assert {world.order(number).error_code for number in numbers} == {""}
    world.shop.heal()
    engine.settle()
    assert sorted(made(world)) == sorted(world.order(number).reference for number in numbers)


def test_a_revoked_access_waits_until_it_is_renewed_and_catches_up(world: World) -> None:
    world.market.change_secret()
    number = world.market.add_order()
    engine.round_trip()
    with company_scope(world.company.pk):
        account = Connection.objects.get(pk=world.marketplace.pk)
    assert (account.state, account.error_code) == (ConnectionState.EXPIRED, "connector.auth")
    engine.round_trip()
    assert world.orders == []
    assert connect(world.company, world.market).pk == account.pk
    engine.settle()
    assert [order.external_id for order in world.orders] == [number]
    assert len(made(world)) == 1


def test_an_order_shipped_by_hand_at_bol_is_closed_and_nothing_is_sent(world: World) -> None:
    number = placed(world)
    world.market.ship_by_hand(number)
    engine.settle()
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    assert shipped(world) == []


def test_an_order_cancelled_at_bol_is_closed_here(world: World) -> None:
    number = placed(world)
    world.market.cancel_by_hand(number)
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert world.market.effects("cancel") == []


def test_cancelled_before_we_got_to_it_never_reaches_the_shop(world: World) -> None:
    number = world.market.add_order()
    engine.hurry()
    engine.sync()
    world.market.cancel_by_hand(number)
    engine.hurry()
    engine.sync()
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert made(world) == []


def test_cancelled_in_the_shop_is_cancelled_at_bol(world: World) -> None:
    number = placed(world)
    world.shop.cancel(shop_id(world, number))
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert [effect.subject for effect in world.market.effects("cancel")] == [number]


def test_a_buyers_request_shows_and_the_order_may_still_be_shipped(world: World) -> None:
    number = placed(world)
    world.market.request_cancellation(number)
    engine.settle()
    assert world.order(number).status == "cancellation_request"
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"


def test_a_shipment_that_bol_refuses_is_an_error_to_solve(world: World) -> None:
    number = placed(world)
    world.market.fail_next_process("Order item is not open")
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    order = world.order(number)
    assert (order.status, order.error_code, order.error_detail) == (
        "not_shipped",
        "shipment.refused",
        "Order item is not open",
    )
    with company_scope(world.company.pk):
        resend(order, user=UserFactory())
    engine.settle()
    assert (world.order(number).status, world.order(number).error_code) == ("shipped", "")
    assert len(shipped(world)) == 1


@pytest.mark.parametrize("what", ["forget_processes", "time_out_next_process"])
def test_an_answer_that_bol_forgot_is_read_from_its_shipments(world: World, what: str) -> None:
    number = placed(world)
    if what == "time_out_next_process":
        world.market.time_out_next_process()
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.round_trip()
    if what == "forget_processes":
        world.market.forget_processes()
    engine.settle()
    assert world.order(number).status == "shipped"
    assert len(shipped(world)) == 1


EXECUTED = [fault for fault in Fault if fault.executes]


@pytest.mark.parametrize("fault", EXECUTED, ids=lambda fault: fault.value)
def test_a_shipment_whose_answer_was_cut_goes_once(world: World, fault: Fault) -> None:
    number = placed(world)
    world.market.fail("POST /retailer/shipments", fault, seconds=0.2)
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    assert len(shipped(world)) == 1


def test_a_product_the_shop_does_not_know_holds_up_no_other_order(world: World) -> None:
    unknown = world.market.add_order("UNKNOWN")
    known = world.market.add_order("MUG")
    engine.settle()
    assert world.order(unknown).error_code == "product.not_found"
    assert world.order(known).shop_order_id
    world.shop.add_product("UNKNOWN", "20.00", stock=5)
    with company_scope(world.company.pk):
        resend(world.order(unknown), user=UserFactory())
    engine.settle()
    assert world.order(unknown).shop_order_id
    assert world.order(unknown).error_code == ""


def test_a_transporter_nobody_knows_is_asked_for_and_then_sent(world: World) -> None:
    number = placed(world)
    world.shop.ship(shop_id(world, number), "ABC-123", "Uncle Bob")
    engine.settle()
    assert world.order(number).error_code == "shipment.transporter_needed"
    assert shipped(world) == []
    world.change_settings(default_transporter="DHL")
    with company_scope(world.company.pk):
        resend(world.order(number), user=UserFactory())
    engine.settle()
    assert shipped(world) == [(number, "ABC-123")]


def test_an_order_handled_manually_is_left_alone(world: World) -> None:
    number = placed(world)
    with company_scope(world.company.pk):
        handle_manually(world.order(number), user=UserFactory())
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "manual"
    assert shipped(world) == []


def test_an_unreadable_order_is_shown_and_the_others_go_on(world: World) -> None:
    broken, healthy = world.market.add_order(), world.market.add_order()
    world.market.poison(broken, lambda raw: raw["orderItems"][0].pop("unitPrice"))
    engine.settle()
    assert [order.external_id for order in world.orders] == [healthy]
    (record,) = world.unreadable()
    assert (record.external_id, record.error_detail) == (broken, "orderItems[0].unitPrice: missing")
    world.market.heal()
    with company_scope(world.company.pk):
        record.last_seen_at = timezone.now() - timedelta(minutes=16)
        record.save()
    engine.settle()
    assert {order.external_id for order in world.orders} == {broken, healthy}
    assert world.unreadable() == []


def test_two_companies_with_the_same_marketplace_numbers_never_meet(make_world: Callable[..., World]) -> None:
    first, second = make_world(), make_world()
    first.market.add_order(order_id="1234567890")
    second.market.add_order(order_id="1234567890", quantity=3)
    engine.settle()
    mine, theirs = first.order("1234567890"), second.order("1234567890")
    assert mine.reference != theirs.reference
    assert (made(first), made(second)) == ([mine.reference], [theirs.reference])
    first.shop.ship(mine.shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    assert first.order("1234567890").status == "shipped"
    assert second.order("1234567890").status == "not_shipped"
    assert second.market.effects("ship") == []


def test_two_order_connections_share_one_read_of_their_account(
    make_world: Callable[..., World], serve: Callable[..., Any]
) -> None:
    from tests.simulators.woocommerce import WooCommerceSimulator

    world = make_world(channel="NL")
    other_shop = serve(WooCommerceSimulator())
    other_shop.add_product("MUG", "20.00", stock=10)
    with company_scope(world.company.pk):
        pass
    platform = connect(world.company, other_shop)
    with company_scope(world.company.pk):
        belgian = services.create_order_connection(
            company=world.company,
            project=world.project,
            name="Belgium",
            marketplace=world.marketplace,
            shop=platform,
            channel="BE",
            start_at=timezone.now() - timedelta(days=1),
        )
        services.activate(belgian)
    dutch_order, belgian_order = world.market.add_order(country="NL"), world.market.add_order(country="BE")
    world.market.requests.clear()
    engine.hurry()
    engine.sync()
    lists = [line for line in world.market.requests if line == "GET /retailer/orders"]
    assert len(lists) <= 2  # the open ones, and what changed
    engine.settle()
    assert made(world) == [world.order(dutch_order).reference]
    assert [effect.reference for effect in other_shop.effects("create_order")] == [world.order(belgian_order).reference]


def test_orders_that_bol_ships_go_to_their_own_order_connection_with_their_suffix(
    make_world: Callable[..., World],
) -> None:
    world = make_world(fulfilment_type="marketplace")
    world.market.add_order()
    number = world.market.add_order(fulfilment="FBB")
    engine.settle()
    (order,) = world.orders
    assert (order.external_id, order.number) == (number, f"{number}-FBB")
    world.shop.ship(order.shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    assert shipped(world) == []
    world.market.ship_by_hand(number)
    engine.settle()
    assert world.order(number).status == "shipped"


def test_the_account_deleted_and_connected_again_finds_its_orders(world: World) -> None:
    open_one, done = placed(world), placed(world)
    world.shop.ship(shop_id(world, done), "3SABCD12345678", "PostNL")
    engine.settle()
    with company_scope(world.company.pk):
        assert delete_account(Connection.objects.get(pk=world.marketplace.pk)) == 1
    assert world.order(open_one).error_code == "order.orphan"
    assert world.order(done).error_code == ""
    engine.settle()
    again = build(world.market, world.shop, company=world.company)
    assert again.marketplace.pk == world.marketplace.pk
    engine.settle()
    order = world.order(open_one)
    assert (order.error_code, order.order_connection_id) == ("", again.pair.pk)
    assert len(world.orders) == len(made(world)) == 2
    world.shop.ship(order.shop_order_id, "3SEFGH12345678", "PostNL")
    engine.settle()
    assert world.order(open_one).status == "shipped"


def test_a_deleted_order_connection_flags_its_open_orders_and_sends_nothing(world: World) -> None:
    number = world.market.add_order()
    engine.hurry()
    engine.sync()
    with company_scope(world.company.pk):
        delete_order_connection(OrderConnection.objects.get(pk=world.pair.pk))
    engine.settle()
    assert world.order(number).error_code == "order.orphan"
    assert made(world) == []


def test_each_order_that_reached_a_shop_is_billed_once(world: World) -> None:
    placed(world), placed(world), world.market.add_order("UNKNOWN")
    engine.settle()
    with company_scope(world.company.pk):
        in_shop = set(Order.objects.exclude(shop_order_id="").values_list("pk", flat=True))
        assert set(SyncedOrder.objects.values_list("order_id", flat=True)) == in_shop
        assert len(in_shop) == 2


def test_no_message_is_left_behind(world: World) -> None:
    number = placed(world)
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    with company_scope(world.company.pk):
        assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sent"}


# -- by a person ----------------------------------------------------------------------------------


def by_hand(world: World, number: str, tell: Callable[..., None], event: Any) -> None:
    order = world.order(number)
    with company_scope(world.company.pk):
        tell(order, event, user=UserFactory())


def test_two_parcels_of_one_item_are_confirmed_by_hand(world: World) -> None:
    number = placed(world, lines=[("MUG", 3, "20.00")])
    with company_scope(world.company.pk):
        item = world.order(number).items.get().pk
    by_hand(world, number, ship, ShippedByHand("1", (Piece(item, 2),), "3SABCD11111111", "POSTNL"))
    engine.settle()
    assert world.order(number).status == "partial"
    by_hand(world, number, ship, ShippedByHand("2", None, "3SABCD22222222", "POSTNL"))
    engine.settle()
    assert world.order(number).status == "shipped"
    assert shipped(world) == [(number, "3SABCD11111111"), (number, "3SABCD22222222")]
    # The shop completes it afterwards: bol knows already.
    world.shop.ship(shop_id(world, number), "3SABCD33333333", "PostNL")
    engine.settle()
    assert len(shipped(world)) == 2


def test_a_buyers_request_is_accepted_by_hand(world: World) -> None:
    number = placed(world)
    world.market.request_cancellation(number)
    engine.settle()
    by_hand(world, number, cancel, CancelledByHand("1"))
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert [effect.reference for effect in world.market.effects("cancel")] == ["REQUESTED_BY_CUSTOMER"]


def test_a_request_is_accepted_by_cancelling_in_the_shop(world: World) -> None:
    number = placed(world)
    world.market.request_cancellation(number)
    engine.settle()
    world.shop.cancel(shop_id(world, number))
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert [effect.reference for effect in world.market.effects("cancel")] == ["REQUESTED_BY_CUSTOMER"]


def test_one_line_is_cancelled_and_the_other_is_shipped(world: World) -> None:
    number = placed(world, lines=[("MUG", 1, "20.00"), ("TEA", 2, "5.00")])
    with company_scope(world.company.pk):
        tea = world.order(number).items.get(product_id="TEA").pk
    by_hand(world, number, cancel, CancelledByHand("1", (Piece(tea),), "out_of_stock"))
    engine.settle()
    assert world.order(number).status == "partial"
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    sold = {item.sku: (item.shipped, item.cancelled) for item in world.market.orders[number].items}
    assert sold == {"MUG": (1, 0), "TEA": (0, 2)}


def test_shipped_in_the_shop_while_it_is_being_cancelled_here_is_not_told(world: World) -> None:
    number = placed(world)
    by_hand(world, number, cancel, CancelledByHand("1", None, "out_of_stock"))
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "cancelled"
    assert shipped(world) == []


# -- and what the shop is told ----------------------------------------------------------------------


def in_shop(world: World, number: str) -> tuple[str, list[str]]:
    """Its status there, and the notes that its staff sees, without our marks."""
    order_id = shop_id(world, number)
    notes = [note["note"].partition(" [")[0] for note in world.shop.notes.get(order_id, [])]
    return world.shop.orders[order_id]["status"], notes


def test_a_request_holds_the_order_in_the_shop_until_it_is_withdrawn(world: World) -> None:
    number = placed(world)
    world.market.request_cancellation(number)
    engine.settle()
    asked = "The buyer asks bol to cancel this order. Cancel it to accept, or ship it as usual."
    assert in_shop(world, number) == ("on-hold", [asked])
    assert world.timeline(number)[-1] == "shop.told"
    world.market.request_cancellation(number, withdrawn=True)
    engine.settle()
    status, notes = in_shop(world, number)
    assert (status, notes[-1]) == ("processing", "The buyer no longer asks to cancel this order. Ship it as usual.")
    engine.settle()
    assert len(world.shop.effects("note")) == 2


def test_cancelled_at_bol_is_held_in_the_shop(world: World) -> None:
    number = placed(world)
    world.market.cancel_by_hand(number)
    engine.settle()
    status, notes = in_shop(world, number)
    assert (status, len(notes)) == ("on-hold", 1)
    assert notes[0].startswith("Cancelled at bol: do not ship this order.")


def test_a_cancellation_that_bol_refuses_is_taken_back_in_the_shop(world: World) -> None:
    number = placed(world)
    world.market.fail_next_process("Order item is not open")
    by_hand(world, number, cancel, CancelledByHand("1", None, "out_of_stock"))
    engine.settle()
    order = world.order(number)
    assert (order.status, order.error_code) == ("not_shipped", "cancellation.refused")
    status, notes = in_shop(world, number)
    assert (status, notes[-1]) == ("processing", "bol refused the cancellation. Ship this order as usual.")


def test_a_notice_whose_answer_was_cut_is_not_left_twice(world: World) -> None:
    number = placed(world)
    world.market.request_cancellation(number)
    world.shop.fail("POST .*/notes", Fault.RESET_AFTER)
    engine.settle()
    assert len(in_shop(world, number)[1]) == 1
    assert [message.status for message in world.messages(kind="tell_shop")] == ["sent"]


def test_a_shop_that_lost_the_order_cannot_be_told_and_a_person_is(world: World) -> None:
    number = placed(world)
    del world.shop.orders[shop_id(world, number)]
    world.market.cancel_by_hand(number)
    engine.settle()
    order = world.order(number)
    assert (order.status, order.error_code) == ("cancelled", "shop.not_told")


def test_cancelled_on_its_way_is_held_when_it_is_found_in_the_shop(world: World) -> None:
    number = world.market.add_order()
    world.shop.fail("POST .*/orders", Fault.RESET_AFTER)
    engine.round_trip()
    by_hand(world, number, cancel, CancelledByHand("1", None, "out_of_stock"))
    engine.settle()
    status, notes = in_shop(world, number)
    assert (status, len(notes), len(made(world))) == ("on-hold", 1, 1)


# -- products -----------------------------------------------------------------------------------------


def test_orders_that_wait_for_a_product_go_on_once_it_is_linked(world: World) -> None:
    numbers = [world.market.add_order(sku="UNKNOWN-1") for _ in range(3)]
    engine.settle()
    assert {world.order(number).error_code for number in numbers} == {"product.not_found"}
    with company_scope(world.company.pk):
        assert link_product(world.platform, "UNKNOWN-1", "MUG", user=UserFactory()) == 3
    engine.settle()
    orders = [world.order(number) for number in numbers]
    assert {(order.status, order.error_code) for order in orders} == {("not_shipped", "")}
    assert len(made(world)) == 3
    world.shop.ship(orders[0].shop_order_id, "3SABCD12345678", "PostNL")
    engine.settle()
    assert shipped(world) == [(numbers[0], "3SABCD12345678")]
    # The next one finds it at once.
    later = placed(world, sku="UNKNOWN-1")
    assert "product.matched" in world.timeline(later)


def test_a_product_is_found_by_its_ean_where_the_settings_say_so(world: World) -> None:
    number = world.market.add_order(sku="UNKNOWN-2")
    world.change_settings(alternative_ids=["ean"])
    world.shop.add_product(world.market.orders[number].items[0].ean, "10.00", stock=5)
    engine.settle()
    assert world.order(number).shop_order_id
    assert "product.matched" in world.timeline(number)


# -- test orders --------------------------------------------------------------------------------------


def test_a_test_order_goes_to_the_shop_and_back_and_bol_hears_nothing(world: World) -> None:
    before = len(world.market.arrivals)
    with company_scope(world.company.pk):
        order = send_test_order(world.pair, Wanted("MUG"))
    engine.settle()
    number = order.external_id
    made_there = world.shop.orders[shop_id(world, number)]
    assert made_there["customer_note"].startswith("TEST ORDER - do not ship")
    world.shop.ship(shop_id(world, number), "3SABCD12345678", "PostNL")
    engine.settle()
    assert world.order(number).status == "shipped"
    asked = [arrival for arrival in list(world.market.arrivals)[before:] if number in str(arrival)]
    assert (asked, shipped(world)) == ([], [])
    with company_scope(world.company.pk):
        assert SyncedOrder.objects.count() == 0


# -- the key of the credentials -------------------------------------------------------------------------


def test_a_key_that_is_missing_holds_everything_up_and_nothing_is_lost(world: World, settings: Any) -> None:
    placed(world)
    keys = settings.CREDENTIAL_KEYS
    settings.CREDENTIAL_KEYS = {"another": next(iter(keys.values()))}
    number = world.market.add_order()
    for _ in range(3):
        engine.round_trip()
    with company_scope(world.company.pk):
        accounts = list(Connection.objects.order_by("pk"))
    assert {(one.state, one.error_code) for one in accounts} == {
        (ConnectionState.FAULTY, "connector.credentials_unreadable")
    }
    settings.CREDENTIAL_KEYS = keys
    engine.settle()
    assert world.order(number).shop_order_id
    with company_scope(world.company.pk):
        assert {one.state for one in Connection.objects.all()} == {ConnectionState.WORKING}
