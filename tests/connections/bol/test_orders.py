"""Reading bol's orders: complete lists, whole orders, exact values."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connections.connectors.bol import mapping
from connections.connectors.bol.connector import BolConnector
from connections.connectors.bol.reading import lists_since
from connections.connectors.errors import AuthError, DataError, RateLimited
from connections.connectors.types import FulfilmentType, RemoteStatus
from tests.connections.bol.conftest import connector_for
from tests.connections.memory_tokens import MemoryTokens
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

PAYLOADS = Path(__file__).parents[2] / "payloads" / "bol"


def read(connector: BolConnector, cursor: str = "", stream: str = "orders:FBR") -> tuple[dict[str, str], str]:
    """{number: version} of all pages, and the last cursor."""
    found: dict[str, str] = {}
    for page in connector.fetch(stream, cursor):
        found |= {record.external_id: record.version for record in page.records}
        cursor = page.cursor
    return found, cursor


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


def test_an_order_is_parsed_whole(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 2, "19.99"), ("TEA", 1, "4.50")], country="BE", company="Bakkerij")
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert (order.external_id, order.remote_status, order.channel) == (number, RemoteStatus.OPEN, "BE")
    assert (order.total, order.currency) == (Decimal("44.48"), "EUR")
    assert [(item.product_id, item.quantity, item.unit_price) for item in order.items] == [
        ("MUG", 2, Decimal("19.99")),
        ("TEA", 1, Decimal("4.50")),
    ]
    assert order.ordered_at.tzinfo is UTC
    assert order.shipping_address.line1 == "Dorpsstraat 1"
    assert order.customer.is_business
    assert order.expires_on and order.delivery_promise


def test_the_state_follows_from_the_items(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 2, "19.99"), ("TEA", 1, "4.50")])
    mug, tea = bol.orders[number].items

    def state() -> RemoteStatus:
        return connector.parse_order(connector.fetch_one("orders:FBR", number)).remote_status

    mug.cancelled = 2
    assert state() == RemoteStatus.OPEN
    tea.shipped = 1
    assert state() == RemoteStatus.SHIPPED
    tea.shipped, tea.cancelled = 0, 1
    assert state() == RemoteStatus.CANCELLED


def test_a_buyers_request_is_on_the_item(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order()
    bol.request_cancellation(number)
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert order.items[0].cancellation_requested


def test_discounts_are_what_was_taken_off(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(quantity=2)
    bol.orders[number].items[0].discount = Decimal("3.00")
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert (order.total, order.discount, order.items[0].discount) == (
        Decimal("37.00"),
        Decimal("3.00"),
        Decimal("3.00"),
    )


def test_items_that_bol_ships_are_left_to_bol(bol: BolSimulator, connector: BolConnector) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 1, "5.00")])
    bol.orders[number].items[1].method = "FBB"
    order = connector.parse_order(connector.fetch_one("orders:FBR", number))
    assert order.fulfilment_type == FulfilmentType.MERCHANT
    assert [item.product_id for item in order.items] == ["MUG"]
    assert order.total == Decimal("10.00")


def test_an_order_that_is_gone_says_so(bol: BolSimulator, connector: BolConnector) -> None:
    with pytest.raises(DataError) as caught:
        connector.fetch_one("orders:FBR", "4711")
    assert caught.value.code == "order.gone"


def test_the_documented_example_is_read() -> None:
    order = mapping.parse_order(json.loads((PAYLOADS / "order.json").read_text(), parse_float=Decimal))
    assert order.external_id == "1042823870"
    assert order.ordered_at == datetime(2019, 4, 30, 14, 47, 32, tzinfo=UTC)
    assert order.fulfilment_type == FulfilmentType.MARKETPLACE
    assert order.customer.gender == "male"


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no items": (lambda raw: raw.pop("orderItems"), "orderItems"),
    "no number": (lambda raw: raw.pop("orderId"), "orderId"),
    "no address": (lambda raw: raw.pop("shipmentDetails"), "shipmentDetails"),
    "an unknown method": (lambda raw: raw["orderItems"][0]["fulfilment"].update(method="FBX"), "fulfilment.method"),
    "no quantity": (lambda raw: raw["orderItems"][0].pop("quantity"), "orderItems[0].quantity"),
    "a price in words": (lambda raw: raw["orderItems"][0].update(unitPrice="ten"), "orderItems[0].unitPrice"),
    "a strange salutation": (lambda raw: raw["billingDetails"].update(salutation="X"), "billingDetails.salutation"),
}


@pytest.mark.parametrize(("mutate", "place"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_used_names_its_place(mutate: Callable[[dict[str, Any]], Any], place: str) -> None:
    raw = json.loads((PAYLOADS / "order.json").read_text(), parse_float=Decimal)
    mutate(raw)
    with pytest.raises(DataError, match=place.replace("[", r"\[").replace("]", r"\]")):
        mapping.parse_order(raw)


# -- tokens and limits ----------------------------------------------------------------------------


def test_a_token_is_used_for_many_calls(bol: BolSimulator, connector: BolConnector, tokens: MemoryTokens) -> None:
    for _ in range(5):
        connector.check()
    assert tokens.requests == 1


def test_a_revoked_token_is_renewed_once(bol: BolSimulator, connector: BolConnector, tokens: MemoryTokens) -> None:
    connector.check()
    bol.revoke_tokens()
    connector.check()
    assert tokens.requests == 2


def test_an_exhausted_allowance_is_not_run_against(bol: BolSimulator, connector: BolConnector) -> None:
    bol.limits["GET /retailer/orders/*"] = (2, 60.0)
    numbers = [bol.add_order() for _ in range(3)]
    connector.fetch_one("orders:FBR", numbers[0])
    connector.fetch_one("orders:FBR", numbers[1])
    before = len(bol.requests)
    with pytest.raises(RateLimited) as caught:
        connector.fetch_one("orders:FBR", numbers[2])
    assert len(bol.requests) == before
    assert 50 < caught.value.retry_after <= 60


def test_a_429_tells_how_long_to_wait(bol: BolSimulator, connector: BolConnector) -> None:
    bol.fail("GET /retailer/orders", Fault.RATE_LIMIT)
    with pytest.raises(RateLimited) as caught:
        read(connector)
    assert caught.value.retry_after == 7
