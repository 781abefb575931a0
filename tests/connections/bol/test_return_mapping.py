"""What bol's returns mean: money only where both of bol's words agree, and no piece decided twice."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connections.connectors.bol import return_mapping
from connections.connectors.bol.return_mapping import handled_pieces, parse_returns
from connections.connectors.errors import DataError
from connections.connectors.types import ReturnData, ReturnVerdict, VerdictData
from tests.connections.bol.conftest import PAYLOADS
from tests.connections.conformance.test_parsing import WRONG, flaws_of, places, with_value

V = ReturnVerdict
RMA = "86123452"


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((PAYLOADS / "returns.json").read_text())["returns"]
    return found


def single() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / "return.json").read_text())
    return found


def item_with(*results: tuple[int, str, str], expected: int = 3, handled: bool = False) -> dict[str, Any]:
    """A return with one item; results are (pieces, processingResult, handlingResult), one a day."""
    raw = single()
    raw["returnItems"][0] |= {
        "expectedQuantity": expected,
        "handled": handled,
        "processingResults": [
            {"quantity": pieces, "processingResult": said, "handlingResult": asked,
             "processingDateTime": f"2026-03-{day:02}T12:00:00+01:00"}
            for day, (pieces, said, asked) in enumerate(results, start=1)
        ],
    }  # fmt: skip
    return raw


def line_of(*results: tuple[int, str, str], expected: int = 3, handled: bool = False) -> ReturnData:
    (line,) = parse_returns(item_with(*results, expected=expected, handled=handled))
    return line


def verdicts_of(*results: tuple[int, str, str], expected: int = 3, handled: bool = False) -> dict[ReturnVerdict, int]:
    line = line_of(*results, expected=expected, handled=handled)
    assert len({one.verdict for one in line.verdicts}) == len(line.verdicts)
    assert sum(one.quantity for one in line.verdicts) <= line.quantity
    return {one.verdict: one.quantity for one in line.verdicts}


# -- the documented examples ----------------------------------------------------------------------


def test_the_documented_example_is_read() -> None:
    (line,) = parse_returns(listed()[0])
    assert (line.external_id, line.return_id, line.order_ref, line.ean) == (
        "31234567",
        "1",
        "4012345678",
        "9789076174082",
    )
    assert line.registered_at == datetime(2016, 11, 14, 10, 6, 48, 423000, tzinfo=UTC)
    assert (line.quantity, line.verdicts) == (1, [VerdictData(V.ACCEPTED, 1)])
    assert (line.reason, line.comment) == ("Niet naar verwachting", "Lorem Ipsum")


def test_each_item_of_a_return_is_a_line() -> None:
    lines = parse_returns(listed()[1])
    assert [(one.external_id, one.return_id, one.quantity) for one in lines] == [
        ("86123452", "15896813", 3),
        ("86123453", "15896813", 1),
    ]
    assert [one.reason for one in lines] == ["Verkeerde maat of afmeting - Te klein", "Artikel werkt niet"]
    assert [one.comment for one in lines] == ["", "Het lampje gaat niet aan."]
    assert [one.verdicts for one in lines] == [[], [VerdictData(V.CANCELLED, 1)]]


def test_the_single_answer_tells_the_parcel_too() -> None:
    (line,) = parse_returns(single())
    assert (line.title, line.tracking_code, line.transporter) == (
        "Voorbeeldboek over retouren",
        "3SBOL0987654321",
        "PostNL",
    )
    assert {one.verdict: one.quantity for one in line.verdicts} == {V.ACCEPTED: 1, V.REJECTED: 1}


# -- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "accepted", "rejected"),
    [
        ("RETURN_RECEIVED", V.ACCEPTED, V.REJECTED),
        ("STILL_APPROVED", V.ACCEPTED, V.REJECTED),
        ("STILL_RECEIVED", V.ACCEPTED, V.REJECTED),
        ("CUSTOMER_KEEPS_PRODUCT_PAID", V.KEEPS, V.REJECTED),
        ("CUSTOMER_KEEPS_PRODUCT_FREE_OF_CHARGE", V.KEEPS, V.REJECTED),
        ("RETURN_ITEM_LOST", V.KEEPS, V.REJECTED),
        ("RETURN_DOES_NOT_MEET_CONDITIONS", V.REJECTED, V.REJECTED),
        ("EXCESSIVE_RETURN", V.REJECTED, V.REJECTED),
        ("EXCHANGE_PRODUCT", V.EXCHANGED, V.EXCHANGED),
        ("REPAIR_PRODUCT", V.REPAIRED, V.REPAIRED),
        ("EXPIRED", V.CANCELLED, V.CANCELLED),
        ("CANCELLED_BY_CUSTOMER", V.CANCELLED, V.CANCELLED),
        ("FAILED_TO_CREATE_SHIPPING_LABEL", V.CANCELLED, V.CANCELLED),
        ("FAILED_TO_COLLECT_BY_TRANSPORTER", V.CANCELLED, V.CANCELLED),
    ],
)
def test_every_result_has_its_meaning_and_bol_has_the_last_word(
    asked: str, accepted: ReturnVerdict, rejected: ReturnVerdict
) -> None:
    assert verdicts_of((3, "ACCEPTED", asked), handled=True) == {accepted: 3}
    assert verdicts_of((3, "REJECTED", asked), handled=True) == {rejected: 3}
    assert verdicts_of((3, "CANCELLED", asked), handled=True) == {V.CANCELLED: 3}
    assert verdicts_of((3, "PENDING", asked), expected=3) == {}


def test_the_table_is_all_that_is_documented() -> None:
    assert set(return_mapping.HANDLINGS.values()) | {"STILL_APPROVED"} == {
        "RETURN_RECEIVED", "EXCHANGE_PRODUCT", "RETURN_DOES_NOT_MEET_CONDITIONS", "REPAIR_PRODUCT",
        "CUSTOMER_KEEPS_PRODUCT_PAID", "STILL_APPROVED",
    }  # fmt: skip
    assert set(return_mapping.HANDLINGS) == set(ReturnVerdict) - {V.CANCELLED}


@pytest.mark.parametrize(
    ("said", "asked", "place"),
    [
        ("SETTLED", "RETURN_RECEIVED", "processingResult"),
        ("ACCEPTED", "TELEPORTED", "handlingResult"),
        ("CANCELLED", "TELEPORTED", "handlingResult"),
        ("PENDING", "TELEPORTED", "handlingResult"),
        ("", "RETURN_RECEIVED", "processingResult"),
        ("ACCEPTED", "", "handlingResult"),
        ("REJECTED", "", "handlingResult"),
    ],
)
def test_a_word_that_nobody_knows_is_never_guessed(said: str, asked: str, place: str) -> None:
    with pytest.raises(DataError) as caught:
        line_of((1, said, asked))
    assert caught.value.field == f"returnItems[0].processingResults[0].{place}"


def test_what_was_cancelled_needs_no_second_word() -> None:
    assert verdicts_of((3, "CANCELLED", ""), handled=True) == {V.CANCELLED: 3}


# -- pieces ---------------------------------------------------------------------------------------


def test_parts_are_decided_one_by_one() -> None:
    received, refused = (1, "ACCEPTED", "RETURN_RECEIVED"), (1, "REJECTED", "RETURN_DOES_NOT_MEET_CONDITIONS")
    assert verdicts_of(received) == {V.ACCEPTED: 1}
    assert verdicts_of(received, refused, received, handled=True) == {V.ACCEPTED: 2, V.REJECTED: 1}


def test_a_refusal_that_was_taken_back_is_void() -> None:
    refused, still = (2, "REJECTED", "RETURN_DOES_NOT_MEET_CONDITIONS"), (1, "ACCEPTED", "STILL_APPROVED")
    assert verdicts_of(refused, still) == {V.ACCEPTED: 1, V.REJECTED: 1}
    assert verdicts_of(refused, still, still) == {V.ACCEPTED: 2}
    assert verdicts_of((3, "ACCEPTED", "EXCHANGE_PRODUCT"), (3, "ACCEPTED", "STILL_APPROVED")) == {V.ACCEPTED: 3}


def test_a_refusal_stands_until_bol_has_taken_it_back() -> None:
    refused = (3, "REJECTED", "RETURN_DOES_NOT_MEET_CONDITIONS")
    assert verdicts_of(refused, (3, "PENDING", "STILL_APPROVED"), handled=True) == {V.REJECTED: 3}


def test_what_was_lost_and_still_came_is_accepted_once() -> None:
    lost, came = (1, "ACCEPTED", "RETURN_ITEM_LOST"), (1, "ACCEPTED", "STILL_RECEIVED")
    assert verdicts_of(lost, expected=1, handled=True) == {V.KEEPS: 1}
    assert verdicts_of(lost, came, expected=1, handled=True) == {V.ACCEPTED: 1}


def test_a_result_that_was_changed_counts_as_it_is_now() -> None:
    before, after = (1, "REJECTED", "RETURN_DOES_NOT_MEET_CONDITIONS"), (1, "ACCEPTED", "RETURN_RECEIVED")
    assert verdicts_of(before, after, expected=1, handled=True) == {V.ACCEPTED: 1}
    assert verdicts_of(after, before, expected=1, handled=True) == {V.REJECTED: 1}


def test_of_two_results_at_one_moment_the_last_counts() -> None:
    raw = item_with((1, "REJECTED", "RETURN_DOES_NOT_MEET_CONDITIONS"), (1, "ACCEPTED", "RETURN_RECEIVED"), expected=1)
    for result in raw["returnItems"][0]["processingResults"]:
        result["processingDateTime"] = None
    assert [one.verdict for one in parse_returns(raw)[0].verdicts] == [V.ACCEPTED]


def test_pieces_beyond_what_was_ordered_are_nobodys() -> None:
    received, beyond = (1, "ACCEPTED", "RETURN_RECEIVED"), (2, "REJECTED", "EXCESSIVE_RETURN")
    assert verdicts_of(received, beyond, expected=1, handled=True) == {V.ACCEPTED: 1}
    assert line_of(received, beyond, expected=1, handled=True).quantity == 1


def test_more_may_come_back_than_was_expected() -> None:
    line = line_of((2, "ACCEPTED", "RETURN_RECEIVED"), expected=1, handled=True)
    assert (line.quantity, line.verdicts) == (2, [VerdictData(V.ACCEPTED, 2)])


def test_what_is_handled_with_less_brings_no_more() -> None:
    received = (1, "ACCEPTED", "RETURN_RECEIVED")
    assert verdicts_of(received, handled=True) == {V.ACCEPTED: 1, V.CANCELLED: 2}
    assert verdicts_of((0, "CANCELLED", "EXPIRED"), handled=True) == {V.CANCELLED: 3}


def test_what_bol_is_at_is_not_decided() -> None:
    assert verdicts_of(handled=True) == {}
    assert verdicts_of((3, "PENDING", "RETURN_RECEIVED"), handled=True) == {}
    pending = (2, "PENDING", "RETURN_RECEIVED")
    assert verdicts_of((1, "ACCEPTED", "RETURN_RECEIVED"), pending, handled=True) == {V.ACCEPTED: 1}


@pytest.mark.parametrize(
    ("results", "handled", "pieces"),
    [
        ([], False, 0),
        ([], True, 3),
        ([(1, "ACCEPTED", "RETURN_RECEIVED")], False, 1),
        ([(1, "PENDING", "RETURN_RECEIVED")], False, 1),
        ([(1, "ACCEPTED", "RETURN_RECEIVED")], True, 3),
        ([(2, "REJECTED", "RETURN_DOES_NOT_MEET_CONDITIONS"), (2, "PENDING", "STILL_APPROVED")], False, 3),
    ],
)
def test_pieces_are_handled_before_bol_says_how(
    results: list[tuple[int, str, str]], handled: bool, pieces: int
) -> None:
    assert handled_pieces(item_with(*results, handled=handled), RMA) == (3, pieces)


def test_another_item_tells_nothing_of_ours() -> None:
    with pytest.raises(DataError, match="has no item 4711"):
        handled_pieces(single(), "4711")


# -- what bol should not say ----------------------------------------------------------------------


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no number": (lambda raw: raw.pop("returnId"), "returnId"),
    "no moment": (lambda raw: raw.pop("registrationDateTime"), "registrationDateTime"),
    "a moment in words": (lambda raw: raw.update(registrationDateTime="yesterday"), "registrationDateTime"),
    "no items": (lambda raw: raw.pop("returnItems"), "returnItems"),
    "an empty list": (lambda raw: raw.update(returnItems=[]), "returnItems"),
    "an item that is none": (lambda raw: raw.update(returnItems=[7]), "returnItems[0]"),
    "no item number": (lambda raw: raw["returnItems"][0].pop("rmaId"), "returnItems[0].rmaId"),
    "no order": (lambda raw: raw["returnItems"][0].update(orderId=" "), "returnItems[0].orderId"),
    "no quantity": (lambda raw: raw["returnItems"][0].pop("expectedQuantity"), "returnItems[0].expectedQuantity"),
    "nothing comes": (lambda raw: raw["returnItems"][0].update(expectedQuantity=0), "returnItems[0].expectedQuantity"),
    "far too much": (lambda raw: raw["returnItems"][0].update(expectedQuantity=10**12),
                     "returnItems[0].expectedQuantity"),
    "a reason in one word": (lambda raw: raw["returnItems"][0].update(returnReason="so"),
                             "returnItems[0].returnReason"),
    "handled in words": (lambda raw: raw["returnItems"][0].update(handled="yes"), "returnItems[0].handled"),
    "results that are none": (lambda raw: raw["returnItems"][0].update(processingResults={}),
                              "returnItems[0].processingResults"),
    "a part without pieces": (lambda raw: raw["returnItems"][0]["processingResults"][1].pop("quantity"),
                              "returnItems[0].processingResults[1].quantity"),
    "a part of less than none": (lambda raw: raw["returnItems"][0]["processingResults"][0].update(quantity=-1),
                                 "returnItems[0].processingResults[0].quantity"),
    "a part at no moment": (lambda raw: raw["returnItems"][0]["processingResults"][0].update(processingDateTime="soon"),
                            "returnItems[0].processingResults[0].processingDateTime"),
}  # fmt: skip


@pytest.mark.parametrize(("mutate", "place"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_used_names_its_place(mutate: Callable[[dict[str, Any]], Any], place: str) -> None:
    raw = single()
    mutate(raw)
    with pytest.raises(DataError) as caught:
        parse_returns(raw)
    assert caught.value.field == place


@pytest.mark.parametrize("raw", [None, [], {}, "", "x", 0, True, [{}], {"x": 1}])
def test_what_is_no_return_at_all_is_refused(raw: Any) -> None:
    with pytest.raises(DataError) as caught:
        parse_returns(raw)
    assert caught.value.field


def test_a_broken_return_is_refused_by_name_or_read_well() -> None:
    """Each value of a payload taken out, or replaced by many wrong ones."""
    refused = 0
    for raw in (*listed(), single()):
        for path in places(raw):
            for value in WRONG:
                refused += is_refused(with_value(raw, path, value))
    assert refused


def is_refused(raw: Any) -> bool:
    try:
        lines = parse_returns(raw)
    except DataError as error:
        assert error.field
        return True
    for line in lines:
        assert flaws_of(line) == []
        assert sum(one.quantity for one in line.verdicts) <= line.quantity
    return False


def test_what_may_be_absent_is_absent() -> None:
    raw = single()
    (item,) = raw["returnItems"]
    for name in ("ean", "title", "trackAndTrace", "transporterName", "returnReason", "processingResults", "handled"):
        del item[name]
    (line,) = parse_returns(raw)
    assert (line.ean, line.title, line.tracking_code, line.reason, line.comment) == ("", "", "", "", "")
    assert line.verdicts == []


def test_parsing_changes_nothing() -> None:
    raw = single()
    before = copy.deepcopy(raw)
    assert parse_returns(raw) == parse_returns(raw)
    assert raw == before
