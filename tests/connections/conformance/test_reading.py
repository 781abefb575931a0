"""Every order is read, once per read, and again only if there is news."""

from __future__ import annotations

import contextlib
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from connections.connectors.errors import DataError
from connections.connectors.types import Record


def read(rig, cursor=""):
    """The pages from `cursor` on."""
    return list(rig.connect().fetch(rig.stream, cursor))


def ids(pages):
    return [record.external_id for page in pages for record in page.records]


def version(rig, record: Record):
    """As the engine compares them: the remote's own, or else a digest."""
    raw = record.raw or (None if record.version else rig.connect().fetch_one(rig.stream, record.external_id))
    digest = hashlib.sha256(json.dumps(raw, default=str, sort_keys=True).encode()).hexdigest()
    return (record.external_id, record.version or digest)


def test_every_order_is_read_once_across_pages(rig):
    rig.add_records(2 * rig.page_size + 1)
    pages = read(rig)
    assert len(pages) >= 3
    assert sorted(ids(pages)) == sorted(rig.record_ids())
    assert pages[-1].cursor


def test_an_account_without_orders_is_read_without_ado(rig):
    assert sorted(ids(read(rig))) == sorted(rig.record_ids())


def test_going_on_from_any_page_loses_nothing(rig):
    rig.add_records(2 * rig.page_size + 1)
    pages = read(rig)
    for number, page in enumerate(pages, start=1):
        rest = read(rig, page.cursor)
        assert {*ids(pages[:number]), *ids(rest)} == set(rig.record_ids())


def test_a_second_read_finds_nothing_new(rig):
    rig.add_records(rig.page_size + 1)
    rig.settle_down()
    pages = read(rig)
    first = {version(rig, record) for page in pages for record in page.records}
    again = {version(rig, record) for page in read(rig, pages[-1].cursor) for record in page.records}
    assert again <= first


def test_a_second_read_finds_what_came_in_between(rig):
    rig.add_records(1)
    rig.settle_down()
    cursor = [page.cursor for page in read(rig)][-1]
    before = set(rig.record_ids())
    rig.settle_down()
    rig.add_records(2)
    assert set(rig.record_ids()) - before <= set(ids(read(rig, cursor)))


def test_reads_overlap_by_ten_minutes(rig):
    """An order that a read could not see yet, though its moment of change lies before the end of it."""
    rig.add_records(1)
    cursor = [page.cursor for page in read(rig)][-1]
    before = set(rig.record_ids())
    if rig.has_clock:
        rig.simulator.advance(minutes=-9, seconds=-30)
    rig.add_records(1)
    if rig.has_clock:
        rig.simulator.advance(minutes=9, seconds=30)
    read_again = ids(read(rig, cursor))
    assert set(rig.record_ids()) - before <= set(read_again)
    assert before & set(read_again), "what was changed just before is read again"


def test_a_broken_order_hides_no_other(rig):
    rig.add_records(3)
    broken = rig.record_ids()[1]
    rig.spoil(broken)
    connector = rig.connect()
    records = [record for page in connector.fetch(rig.stream, "") for record in page.records]
    assert {record.external_id for record in records} == set(rig.record_ids())
    for record in records:
        expected = pytest.raises(DataError) if record.external_id == broken else contextlib.nullcontext()
        with expected:
            rig.parse(connector, record.raw or connector.fetch_one(rig.stream, record.external_id))


def test_an_order_that_is_no_longer_there_is_gone(rig):
    rig.add_records(1)
    with pytest.raises(DataError) as caught:
        rig.connect().fetch_one(rig.stream, "99999999")
    assert caught.value.code == "order.gone"


def test_one_order_can_be_read_alone(rig):
    rig.add_records(1)
    connector = rig.connect()
    parsed = rig.parse(connector, connector.fetch_one(rig.stream, rig.record_ids()[0]))
    assert rig.meaning(parsed) in rig.statuses.values()


def test_all_orders_since_a_moment_are_listed_whatever_was_read_before(rig):
    connector, since = rig.connect(), datetime.now(UTC) - timedelta(days=7)
    if not type(connector).capabilities.lists_orders:
        with pytest.raises(NotImplementedError):
            next(iter(connector.orders_since(since)))
        return
    rig.add_records(2 * rig.page_size + 1)
    read(rig)
    pages = list(connector.orders_since(since))
    assert set(rig.record_ids()) <= set(ids(pages))
    if connector.role == "platform":
        record = pages[0].records[0]
        assert connector.parse_update(record.raw).external_id == record.external_id
