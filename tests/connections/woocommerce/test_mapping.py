"""From the shop's answers to updates: statuses, parcels, and answers nobody expects."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connections.connectors.errors import DataError
from connections.connectors.types import ParcelItem, ShopState
from connections.connectors.woocommerce.mapping import meaning_of, parse_update, version_of

PAYLOADS = Path(__file__).parents[2] / "payloads" / "woocommerce"
MEANING = meaning_of("", "", "_tracking_number")


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def raw(fulfillments: Any = None, trackings: Any = None, refunds: Any = None, **changes: Any) -> Any:
    rows = {"fulfillments": fulfillments, "trackings": trackings, "refunds": refunds}
    return {"order": payload("order") | changes, **{name: value or [] for name, value in rows.items()}}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", ShopState.OPEN),
        ("processing", ShopState.OPEN),
        ("on-hold", ShopState.OPEN),
        ("checkout-draft", ShopState.OPEN),
        ("completed", ShopState.COMPLETED),
        ("cancelled", ShopState.CANCELLED),
        ("refunded", ShopState.CANCELLED),
        ("failed", ShopState.CANCELLED),
        ("trash", ShopState.CANCELLED),
        ("awaiting-pickup", ShopState.OPEN),
    ],
)
def test_each_status_has_its_meaning(status: str, state: ShopState):
    assert parse_update(raw(status=status), MEANING).state == state


def test_the_shops_own_statuses_are_told_by_the_settings():
    meaning = meaning_of("wc-shipped, handed-over", "completed", "")
    assert parse_update(raw(status="shipped"), meaning).state == ShopState.COMPLETED
    assert parse_update(raw(status="handed-over"), meaning).state == ShopState.COMPLETED
    assert parse_update(raw(status="completed"), meaning).state == ShopState.CANCELLED


def test_an_order_refunded_after_it_was_completed_was_shipped():
    update = parse_update(raw(status="refunded", date_completed_gmt="2026-03-01T12:00:00"), MEANING)
    assert update.state == ShopState.COMPLETED


def test_times_without_offset_are_utc():
    update = parse_update(raw(date_modified_gmt="2026-03-01T12:00:00"), MEANING)
    assert update.updated_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_fulfilment_is_a_parcel_with_its_items():
    update = parse_update(raw(fulfillments=payload("fulfillments")), MEANING)
    [parcel] = update.parcels
    assert (parcel.tracking_code, parcel.transporter) == ("3SABC0001", "postnl")
    assert parcel.items == [ParcelItem("MUG", 2)]
    assert parcel.shipped_at == datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("change", [{"is_fulfilled": False}, {"date_deleted": "2026-03-03T00:00:00Z"}])
def test_a_fulfilment_that_is_a_draft_or_deleted_is_no_parcel(change: dict[str, Any]):
    rows = [payload("fulfillments")[0] | change]
    assert parse_update(raw(fulfillments=rows), MEANING).parcels == []


def test_a_tracking_of_the_extension_is_a_parcel_of_everything_open():
    [parcel] = parse_update(raw(trackings=payload("trackings")), MEANING).parcels
    assert (parcel.tracking_code, parcel.transporter, parcel.items) == ("3SABC0002", "PostNL", None)


def test_a_code_in_an_order_field_counts_last():
    order = payload("order")
    metas = [*order["meta_data"], {"key": "_tracking_number", "value": "3SMETA"}]
    assert parse_update(raw(meta_data=metas), MEANING).parcels[0].tracking_code == "3SMETA"
    both = parse_update(raw(meta_data=metas, trackings=payload("trackings")), MEANING).parcels
    assert [parcel.tracking_code for parcel in both] == ["3SABC0002"]


@pytest.mark.parametrize("field", ["id", "status", "date_modified_gmt"])
@pytest.mark.parametrize("value", [None, "", {}, []])
def test_a_missing_field_is_named(field: str, value: Any):
    with pytest.raises(DataError) as caught:
        parse_update(raw(**{field: value}), MEANING)
    assert caught.value.field == field


@pytest.mark.parametrize("broken", [None, [], "text", 1, {}, {"order": None}, {"order": []}])
def test_an_answer_that_is_no_order_is_a_data_error(broken: Any):
    with pytest.raises(DataError):
        parse_update(broken, MEANING)


@pytest.mark.parametrize(
    "changes",
    [
        {"meta_data": None},
        {"meta_data": {"_tracking_number": "x"}},
        {"meta_data": [None, 1, "x", {"key": "_tracking_number", "value": {"a": 1}}]},
        {"meta_data": [{"key": "_wc_shipment_tracking_items", "value": "a:1:{}"}]},
        {"meta_data": [{"key": "_wc_shipment_tracking_items", "value": [None, {"tracking_number": None}]}]},
        {"line_items": None},
        {"number": 12},
        {"status": "wc-processing"},
        {"unknown": "☕" * 10_000},
    ],
)
def test_what_plugins_leave_in_an_order_does_no_harm(changes: dict[str, Any]):
    update = parse_update(raw(**changes), MEANING)
    assert (update.state, update.parcels) == (ShopState.OPEN, [])


@pytest.mark.parametrize("date", ["yesterday", "0000-00-00T00:00:00", "0001-01-01T00:00:00+14:00"])
def test_an_impossible_date_is_a_data_error(date: str):
    with pytest.raises(DataError):
        parse_update(raw(date_modified_gmt=date), MEANING)


def test_a_fulfilment_of_an_unknown_line_is_a_data_error():
    rows = payload("fulfillments")
    rows[0]["meta_data"][0]["value"][0]["item_id"] = 999_999
    with pytest.raises(DataError) as caught:
        parse_update(raw(fulfillments=rows), MEANING)
    assert caught.value.field == "fulfillments[].meta_data._items"


def test_a_refund_that_names_pieces_is_read_and_an_amount_alone_is_left_out():
    [refund] = parse_update(raw(refunds=payload("refunds")), MEANING).refunds
    assert (refund.ref, refund.items, refund.is_ours) == ("728", [ParcelItem("MUG", 1)], False)
    assert (refund.reason, refund.made_at) == ("Too small", datetime(2026, 3, 10, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    "change",
    [
        {"meta_data": [{"key": "_channable_refund", "value": "bol:123:1001-r1"}]},
        {"reason": "Too small [Reference: bol:123:1001-r1]"},
    ],
)
def test_a_refund_with_our_reference_is_ours(change: dict[str, Any]):
    rows = [payload("refunds")[0] | change]
    assert parse_update(raw(refunds=rows), MEANING).refunds[0].is_ours


@pytest.mark.parametrize("reason", ["Reference: 1", "[Reference: 1] said the buyer", "[]", "[x]", None, 1, {}])
def test_a_reason_that_only_resembles_ours_is_a_persons(reason: Any):
    rows = [payload("refunds")[0] | {"reason": reason}]
    assert not parse_update(raw(refunds=rows), MEANING).refunds[0].is_ours


def test_money_back_for_a_line_without_a_piece_is_left_out():
    rows = payload("refunds")[:1]
    rows[0]["line_items"][0]["quantity"] = 0
    assert parse_update(raw(refunds=rows), MEANING).refunds == []


def test_a_refund_of_a_line_that_was_deleted_is_named_by_its_own_sku():
    rows = payload("refunds")[:1]
    rows[0]["line_items"][0] |= {"sku": "OLD"}
    update = parse_update(raw(refunds=rows, line_items=[]), MEANING)
    assert update.refunds[0].items == [ParcelItem("OLD", 1)]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("id", None, "refunds[].id"),
        ("date_created_gmt", "yesterday", "refunds[].date_created_gmt"),
        ("date_created_gmt", None, "refunds[].date_created_gmt"),
        ("line_items", [{"quantity": "one"}], "refunds[].line_items[].quantity"),
        ("line_items", [{"quantity": 10**30}], "refunds[].line_items[].quantity"),
    ],
)
def test_a_refund_that_cannot_be_read_names_its_field(field: str, value: Any, named: str):
    rows = [payload("refunds")[0] | {field: value}]
    with pytest.raises(DataError) as caught:
        parse_update(raw(refunds=rows), MEANING)
    assert caught.value.field == named


@pytest.mark.parametrize(
    "rows", [None, {}, "x", [None, 1, []], [{}], [{"line_items": None}], [{"line_items": [{}, 1]}]]
)
def test_refunds_of_another_form_do_no_harm_or_are_refused(rows: Any):
    try:
        assert parse_update({**raw(), "refunds": rows}, MEANING).refunds == []
    except DataError as error:
        assert error.field == "refunds[].line_items[].quantity"


@pytest.mark.parametrize(("newest", "state"), [(True, ShopState.OPEN), (False, ShopState.CANCELLED)])
def test_who_refunded_last_says_whether_the_order_was_called_off(newest: bool, state: ShopState):
    ours = {"reason": "[Reference: r1]", "id": 800 if newest else 100}
    rows = [payload("refunds")[0] | ours, payload("refunds")[1]]
    assert parse_update(raw(refunds=rows, status="refunded"), MEANING).state is state


def test_the_version_changes_with_what_matters_only():
    row = payload("order")
    same = version_of(row | {"customer_note": "x"}, MEANING)
    assert same == version_of(row, MEANING)
    assert version_of(row | {"status": "completed"}, MEANING) != same
    assert version_of(row | {"refunds": [{"id": 728, "reason": "", "total": "-1.00"}]}, MEANING) != same
    assert version_of(row | {"date_modified_gmt": "2026-03-01T12:00:01"}, MEANING) != same
    assert version_of(row | {"meta_data": [{"key": "_tracking_number", "value": "1"}]}, MEANING) != same
