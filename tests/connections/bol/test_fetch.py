"""Reading bol's lists: complete, gone on with where they were cut, each state told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.bol.connector import BolConnector
from connections.connectors.bol.reading import Cursor, lists_since, record_of
from connections.connectors.errors import AuthError, ContractError, DataError, RateLimited
from tests.connections.bol.conftest import PAYLOADS, connector_for, read
from tests.simulators.bol import BolSimulator

LISTS = "GET /retailer/orders"


def test_the_account_tells_who_it_is(bol: BolSimulator, connector: BolConnector) -> None:
    info = connector.check()
    assert (info.account_id, info.name) == (bol.retailer_id, "Demo seller")


def test_a_wrong_secret_is_refused_without_showing_it(bol: BolSimulator) -> None:
    connector = connector_for(bol)
    bol.change_secret()
    with pytest.raises(AuthError) as caught:
        connector.check()
    assert connector.account.credentials["client_secret"] not in str(caught.value)


def test_every_open_order_is_read_over_all_pages(bol: BolSimulator, connector: BolConnector) -> None:
    numbers = {bol.add_order() for _ in range(2 * bol.page_size + 1)}
    found, cursor = read(connector)
    assert set(found) == numbers
    assert datetime.fromisoformat(cursor).tzinfo


def test_a_full_last_page_is_followed_by_an_empty_one(bol: BolSimulator, connector: BolConnector) -> None:
    numbers = {bol.add_order() for _ in range(bol.page_size)}
    assert set(read(connector)[0]) == numbers


def test_each_stream_reads_its_own_fulfilment_method(bol: BolSimulator, connector: BolConnector) -> None:
    mine, theirs = bol.add_order(), bol.add_order(fulfilment="FBB")
    assert set(read(connector)[0]) == {mine}
    assert set(read(connector, stream="orders:FBB")[0]) == {theirs}


def test_what_was_handled_outside_is_seen_by_its_change(bol: BolSimulator, connector: BolConnector) -> None:
    shipped, cancelled, open_one = bol.add_order(), bol.add_order(), bol.add_order()
    before, cursor = read(connector)
    bol.ship_by_hand(shipped)
    bol.cancel_by_hand(cancelled)
    after, _cursor = read(connector, cursor)
    assert set(after) == {shipped, cancelled, open_one}
    assert after[open_one] == before[open_one]
    assert after[shipped] != before[shipped]


def test_a_second_read_finds_no_new_version(bol: BolSimulator, connector: BolConnector) -> None:
    for _ in range(3):
        bol.add_order()
    found, cursor = read(connector)
    assert read(connector, cursor)[0] == found


def test_a_cursor_an_hour_old_reads_by_days(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.ship_by_hand(number)
    old = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
    assert set(read(connector, old)[0]) == {number}


@pytest.mark.parametrize("minutes", [0, 5, 20, 48])
def test_a_change_filter_reaches_back_behind_the_cursor_with_an_overlap(minutes: int) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    only = lists_since(now - timedelta(minutes=minutes), now)["changed"]
    assert 60 >= int(str(only["change-interval-minute"])) >= minutes + 10


def test_days_are_counted_in_the_netherlands() -> None:
    now = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 00:30 on the third there
    days = [day for day in lists_since(now - timedelta(hours=26), now) if day != "open"]
    assert days == ["2026-03-01", "2026-03-02", "2026-03-03"]


def test_an_order_that_is_gone_says_so(bol: BolSimulator, connector: BolConnector) -> None:
    with pytest.raises(DataError) as caught:
        connector.fetch_one("orders:FBR", "4711")
    assert caught.value.code == "order.gone"


# -- cut half-way ---------------------------------------------------------------------------------


def read_until_stopped(bol: BolSimulator, cursor: str, calls: int) -> tuple[set[str], str]:
    """A run that bol lets list `calls` pages."""
    bol.limits[LISTS] = (calls, 60.0)
    bol._used.clear()
    found: set[str] = set()
    try:
        for page in connector_for(bol).fetch("orders:FBR", cursor):
            found |= {record.external_id for record in page.records}
            cursor = page.cursor
    except RateLimited:
        pass
    return found, cursor


def test_a_read_that_is_cut_short_is_gone_on_with(bol: BolSimulator) -> None:
    numbers = {bol.add_order() for _ in range(4 * bol.page_size + 3)}
    first, cursor = read_until_stopped(bol, "", 3)
    assert len(first) == 3 * bol.page_size
    second, cursor = read_until_stopped(bol, cursor, 3)
    assert first | second == numbers
    assert "|" not in cursor  # the read is complete


def test_orders_that_slip_to_an_earlier_page_meanwhile_are_read(bol: BolSimulator) -> None:
    numbers = [bol.add_order() for _ in range(4 * bol.page_size)]
    first, cursor = read_until_stopped(bol, "", 2)
    for number in numbers[:10]:
        bol.ship_by_hand(number)
    second, _cursor = read_until_stopped(bol, cursor, 10)
    assert first | second == set(numbers)


def test_a_read_cut_in_the_changes_of_minutes_goes_on_with_those_of_days(bol: BolSimulator) -> None:
    shipped = bol.add_order()
    bol.ship_by_hand(shipped)
    now = datetime.now(UTC)
    cursor = str(Cursor(now - timedelta(hours=3), now - timedelta(hours=2, minutes=50), "changed", 2))
    assert shipped in read(connector_for(bol), cursor)[0]


@pytest.mark.parametrize("at", [Cursor(), Cursor(datetime.now(UTC)), Cursor(None, datetime.now(UTC), "open", 7)])
def test_a_cursor_survives_being_kept_as_text(at: Cursor) -> None:
    assert Cursor.parse(str(at)) == at


# -- told once ------------------------------------------------------------------------------------


def told(connector: BolConnector, cursor: str) -> list[str]:
    return [record.external_id for page in connector.fetch("orders:FBR", cursor) for record in page.records]


def test_an_order_of_which_one_item_changed_is_told_once_in_each_read(bol: BolSimulator) -> None:
    """The list of changes holds that item alone, which would be another version of the same state."""
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 1, "5.00")])
    bol.orders[number].items[0].changed_at -= timedelta(hours=2)
    before, cursor = read(connector_for(bol))
    assert told(connector_for(bol), cursor) == [number]
    assert read(connector_for(bol), cursor)[0] == before


def test_what_was_shipped_of_an_open_order_is_still_told(bol: BolSimulator) -> None:
    """Whether an open order is listed with its handled items or without."""
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 1, "5.00")])
    before, cursor = read(connector_for(bol))
    bol.ship_by_hand(number, line=0)
    after, _cursor = read(connector_for(bol), cursor)
    assert after[number] != before[number]


def test_an_order_that_the_list_shows_late_is_found_then(bol: BolSimulator) -> None:
    bol.list_lag = timedelta(minutes=1)
    number = bol.add_order()
    nothing, cursor = read(connector_for(bol))
    bol.list_lag = timedelta(0)
    assert (nothing, set(read(connector_for(bol), cursor)[0])) == ({}, {number})


def test_an_idle_read_leaves_the_cursor_where_it_is(bol: BolSimulator) -> None:
    _found, first = read(connector_for(bol))
    assert read(connector_for(bol), first)[1] == first
    old = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    assert read(connector_for(bol), old)[1] > old


# -- what bol should not say ----------------------------------------------------------------------


def test_the_documented_example_becomes_records() -> None:
    listed = json.loads((PAYLOADS / "reduced-orders.json").read_text(), parse_float=Decimal)
    first, second = map(record_of, listed["orders"])
    assert (first.external_id, second.external_id) == ("1043946570", "A4K8290LP0")
    assert first.raw is None
    assert first.version != second.version
    assert second.ordered_at == datetime(2019, 12, 6, 12, 4, 34, tzinfo=UTC)


@pytest.mark.parametrize("element", [None, 7, "4711", [], {}, {"orderId": None}, {"orderId": " "}, {"orderId": 4711}])
def test_an_element_without_a_number_is_seen_and_ends_nothing(element: object, answering: Callable[..., Any]) -> None:
    whole = {"orderId": "4712", "orderItems": []}
    connector, _server = answering({LISTS: [(200, {"orders": [element, whole]})]})
    (page,) = list(connector.fetch("orders:FBR", ""))
    strange, healthy = page.records
    assert healthy.external_id == "4712"
    with pytest.raises(DataError):
        connector.parse_order(strange.raw)


@pytest.mark.parametrize("body", [[], None, "orders", 7, {"orders": {}}, {"orders": "none"}])
def test_a_list_that_is_none_stops_the_run(body: object, answering: Callable[..., Any]) -> None:
    connector, _server = answering({LISTS: [(200, body)]})
    with pytest.raises(ContractError):
        list(connector.fetch("orders:FBR", ""))


@pytest.mark.parametrize("items", ["none", 7, [None], ["x"], [{"orderItemId": []}]])
def test_items_that_cannot_be_read_have_the_order_asked_for(items: object, answering: Callable[..., Any]) -> None:
    order = {"orderId": "4712", "orderPlacedDateTime": "yesterday", "orderItems": items}
    connector, _server = answering({LISTS: [(200, {"orders": [order]})]})
    (page,) = list(connector.fetch("orders:FBR", ""))
    assert [(record.external_id, record.raw) for record in page.records] == [("4712", None)]
