"""Every change of every order is seen, while the list moves under the reader."""

from datetime import timedelta
from typing import Any

import pytest

from connections.connectors.errors import ContractError, DataError, RateLimited, TransientError
from connections.connectors.types import ShopState
from tests.simulators.base import Fault

from .conftest import OPTIONS, an_order, connector_for


def read(connector: Any, cursor: str = "") -> tuple[dict[str, str], str]:
    """Versions by order id of a whole read, and the cursor after it."""
    versions = {}
    for page in connector.fetch("updates", cursor):
        versions |= {record.external_id: record.version for record in page.records}
        cursor = page.cursor
    return versions, cursor


def fill(shop: Any, count: int) -> list[str]:
    ids = []
    for _ in range(count):
        order = shop._new_order({})
        shop.orders[str(order["id"])] = order
        ids.append(str(order["id"]))
    return ids


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_order_is_read_once_across_pages(shop, count: int):
    ids = fill(shop, count)
    records = [record for page in connector_for(shop).fetch("updates", "") for record in page.records]
    assert [record.external_id for record in records] == ids
    assert all(record.raw is None and record.ordered_at for record in records)


def test_the_next_read_finds_only_what_changed_since(shop):
    ids = fill(shop, 3)
    connector = connector_for(shop)
    shop.advance(minutes=30)
    _, cursor = read(connector)
    shop.advance(minutes=5)
    shop.set_status(ids[1], "completed")
    assert list(read(connector, cursor)[0]) == [ids[1]]


def test_an_unchanged_order_keeps_its_version(shop):
    fill(shop, 3)
    connector = connector_for(shop)
    shop.advance(minutes=1)
    before, cursor = read(connector)
    shop.advance(minutes=1)
    assert read(connector, cursor)[0] == before


def test_a_second_change_within_the_same_second_is_seen_next_time(shop):
    """date_modified has whole seconds: an order read while it is young gets a version of its own."""
    [order_id] = fill(shop, 1)
    connector = connector_for(shop)
    shop._touch(shop.orders[order_id])
    first, cursor = read(connector)
    shop.advance(minutes=5)
    second, cursor = read(connector, cursor)
    shop.advance(minutes=1)
    third, _ = read(connector, cursor)
    assert first != second == third


def test_two_reads_within_the_same_second_miss_nothing_in_between(shop):
    """A tracking code moves nothing but date_modified, and that has whole seconds."""
    [order_id] = fill(shop, 1)
    connector = connector_for(shop)
    shop._touch(shop.orders[order_id])
    first, cursor = read(connector)
    assert read(connector, cursor)[0] != first


def test_an_order_put_in_the_trash_is_seen_as_cancelled(shop):
    [order_id] = fill(shop, 1)
    connector = connector_for(shop)
    shop.advance(minutes=30)
    _, cursor = read(connector)
    shop.trash(order_id)
    assert list(read(connector, cursor)[0]) == [order_id]
    update = connector.parse_update(connector.fetch_one("updates", order_id))
    assert update.state == ShopState.CANCELLED


def test_orders_that_leave_the_list_hide_no_other(shop):
    """Ten orders of the first page go to the trash while the second is about to be read."""
    ids = fill(shop, 250)

    def trash_some(page: int) -> None:
        shop.after_page = None
        for order_id in ids[:10]:
            shop.trash(order_id)

    shop.after_page = trash_some
    assert set(read(connector_for(shop))[0]) == set(ids)


def test_orders_that_come_while_reading_are_seen_then_or_next_time(shop):
    ids = fill(shop, 150)
    connector = connector_for(shop)
    shop.after_page = lambda page: ids.extend(fill(shop, 1)) if len(ids) < 160 else None
    first, cursor = read(connector)
    shop.after_page = None
    second, _ = read(connector, cursor)
    assert {*first, *second} == set(ids)


@pytest.mark.parametrize("pages_read", [1, 2, 3])
def test_a_read_that_was_cut_off_goes_on_and_loses_nothing(shop, pages_read: int):
    ids = fill(shop, 350)
    connector = connector_for(shop)
    reader = connector.fetch("updates", "")
    pages = [next(reader) for _ in range(pages_read)]
    seen = {record.external_id for page in pages for record in page.records}
    for order_id in ids[:20]:
        shop.trash(order_id)
    rest, _ = read(connector, pages[-1].cursor)
    assert seen | set(rest) == set(ids)


def test_going_on_from_any_cursor_loses_nothing(shop):
    ids = fill(shop, 220)
    for order_id in ids[200:]:
        shop.trash(order_id)
    pages = list(connector_for(shop).fetch("updates", ""))
    seen: set[str] = set()
    for page in pages[:-1]:
        seen |= {record.external_id for record in page.records}
        rest, _ = read(connector_for(shop), page.cursor)
        assert seen | set(rest) == set(ids)


def test_an_order_that_is_opened_again_is_seen(shop):
    [order_id] = fill(shop, 1)
    connector = connector_for(shop)
    shop.cancel(order_id)
    shop.advance(minutes=30)
    _, cursor = read(connector)
    shop.reopen(order_id)
    assert list(read(connector, cursor)[0]) == [order_id]
    assert connector.parse_update(connector.fetch_one("updates", order_id)).state == ShopState.OPEN


def test_a_change_before_the_read_began_is_in_the_overlap(shop):
    """Also where the shop's database runs some minutes behind its web server."""
    ids = fill(shop, 1)
    connector = connector_for(shop)
    shop.advance(minutes=8)
    _, cursor = read(connector)
    assert list(read(connector, cursor)[0]) == ids


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.ERROR_500_BEFORE, TransientError),
        (Fault.ERROR_503_BEFORE, TransientError),
        (Fault.RATE_LIMIT, RateLimited),
        (Fault.FORBIDDEN_HTML, TransientError),
        (Fault.HTML_200, ContractError),
        (Fault.BROKEN_JSON, ContractError),
    ],
)
def test_a_page_that_fails_is_an_error_and_the_cursor_before_it_still_works(shop, fault: Fault, kind: type[Exception]):
    ids = fill(shop, 150)
    connector = connector_for(shop)
    reader = connector.fetch("updates", "")
    first = next(reader)
    shop.fail("GET /wp-json/wc/v3/orders$", fault, times=3)
    with pytest.raises(kind):
        next(reader)
    shop.heal()
    rest, _ = read(connector, first.cursor)
    assert {record.external_id for record in first.records} | set(rest) == set(ids)


@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY_AFTER, Fault.TRUNCATED, Fault.RESET_AFTER])
def test_a_cut_read_is_tried_again_with_a_new_signature(shop, fault: Fault):
    """The shop has seen the nonce: the same signature again would look like a revoked key."""
    ids = fill(shop, 3)
    shop.fail("GET /wp-json/wc/v3/orders$", fault)
    assert list(read(connector_for(shop))[0]) == ids


@pytest.mark.parametrize("minutes", [-40, 40])
def test_a_shop_whose_clock_is_wrong_is_signed_for_by_its_own_clock(shop, minutes: int):
    shop.set_clock(shop.now() + timedelta(minutes=minutes))
    ids = fill(shop, 3)
    connector = connector_for(shop)
    assert list(read(connector)[0]) == ids
    first = len(shop.requests)
    read(connector)
    assert len(shop.requests) - first == first - 1  # nothing is refused any more


def test_one_broken_order_does_not_hide_the_others(shop):
    ids = fill(shop, 3)
    shop.validator = None
    shop.poison(ids[1], lambda order: order.update(date_modified_gmt=None, status=None, meta_data="x"))
    connector = connector_for(shop)
    assert list(read(connector)[0]) == ids
    with pytest.raises(DataError):
        connector.parse_update(connector.fetch_one("updates", ids[1]))


@pytest.mark.parametrize("answer", ["null", '{"a": 1}', "[1, 2]", '"x"', "[]x"])
def test_an_answer_that_is_no_list_of_orders_is_a_contract_error(shop, answer: str):
    shop.validator = None
    fill(shop, 1)
    listed = shop._listed

    def broken(request: Any, rows: Any) -> Any:
        response = listed(request, rows)
        response.body = answer.encode()
        return response

    shop._listed = broken
    with pytest.raises(ContractError):
        read(connector_for(shop))


def test_a_notice_of_php_before_the_data_does_no_harm(shop):
    ids = fill(shop, 2)
    shop.validator = None
    listed = shop._listed

    def noisy(request: Any, rows: Any) -> Any:
        response = listed(request, rows)
        response.body = b"<br />\n<b>Notice</b>: Undefined index in plugin.php on line 3<br />\n" + response.body
        return response

    shop._listed = noisy
    assert list(read(connector_for(shop))[0]) == ids


def test_an_old_shop_that_cannot_filter_is_still_read(make_shop):
    shop = make_shop(filters_modified=False)
    ids = fill(shop, 120)
    connector = connector_for(shop)
    _, cursor = read(connector)
    assert list(read(connector, cursor)[0]) == ids


def test_a_deleted_order_is_gone(shop):
    connector = connector_for(shop)
    done = connector.create_order(an_order(), key="bol:1:1", options=OPTIONS)
    del shop.orders[done.remote_id]
    with pytest.raises(DataError) as caught:
        connector.fetch_one("updates", done.remote_id)
    assert caught.value.code == "order.gone"


def test_the_page_of_an_order_is_in_the_shops_administration(shop):
    assert connector_for(shop).web_address("12").startswith(shop.url + "/wp-admin/")
