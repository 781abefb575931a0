"""Reading bol's lists of returns: open ones each time, settled ones once, and gone on with where they were cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.connectors.bol import returns
from connections.connectors.bol.connector import BolConnector
from connections.connectors.bol.returns import Cursor, record_of
from connections.connectors.errors import ContractError, DataError, RateLimited
from connections.connectors.types import FulfilmentType, Page, Record, ReturnVerdict, VerdictData
from tests.connections.bol.conftest import PAYLOADS, connector_for
from tests.simulators.bol import BolSimulator

OPEN, WAREHOUSE = "returns:FBR", "returns:FBB"
LISTS = "GET /retailer/returns"
RECEIVED = "RETURN_RECEIVED"


def pages(bol: BolSimulator, cursor: str = "", stream: str = OPEN) -> list[Page]:
    """By another worker each time."""
    return list(connector_for(bol).fetch(stream, cursor))


def records(found: list[Page]) -> list[Record]:
    return [record for page in found for record in page.records]


def told(bol: BolSimulator, cursor: str = "", stream: str = OPEN) -> tuple[dict[str, str], str]:
    """{number: version}, and the last cursor. Nothing is told twice."""
    found = pages(bol, cursor, stream)
    numbers = {record.external_id: record.version for record in records(found)}
    assert len(numbers) == len(records(found))
    return numbers, found[-1].cursor


def settled(bol: BolSimulator, registered: timedelta = timedelta(0), *, fulfilment: str = "FBB") -> str:
    """A return that was registered so long ago and is settled now."""
    return_id = bol.add_return(bol.add_order(fulfilment=fulfilment), settled=RECEIVED)
    bol.returns[return_id].registered_at -= registered
    return return_id


def long_ago(bol: BolSimulator, return_id: str, ago: timedelta = timedelta(days=3)) -> None:
    """It was registered and settled then."""
    bol.returns[return_id].registered_at -= ago
    for item in bol.returns[return_id].items:
        for result in item.results:
            result.at -= ago


def an_hour_later(cursor: str) -> str:
    at = Cursor.parse(cursor)
    assert at.since and at.walked and not at.began
    return str(Cursor(at.since - timedelta(minutes=61), at.walked - timedelta(minutes=61)))


# -- what is open ---------------------------------------------------------------------------------


def test_the_streams_say_what_they_list(connector: BolConnector) -> None:
    streams = {one.name: one for one in connector.streams() if one.topic == "returns"}
    assert (streams[OPEN].fulfilment_type, streams[OPEN].lists_open_only) == (FulfilmentType.MERCHANT, True)
    assert (streams[WAREHOUSE].fulfilment_type, streams[WAREHOUSE].lists_open_only) == (
        FulfilmentType.MARKETPLACE,
        False,
    )


def test_every_open_return_is_read_over_all_pages_in_every_read(bol: BolSimulator) -> None:
    numbers = {bol.add_return(bol.add_order()) for _ in range(2 * returns.PAGE_SIZE + 1)}
    for number in numbers:
        long_ago(bol, number, timedelta(days=40))
    first, cursor = told(bol)
    assert set(first) == numbers
    assert told(bol, cursor)[0] == first


def test_a_full_last_page_is_followed_by_an_empty_one(bol: BolSimulator) -> None:
    numbers = {bol.add_return(bol.add_order()) for _ in range(returns.PAGE_SIZE)}
    assert set(told(bol)[0]) == numbers


def test_each_stream_reads_its_own_fulfilment_method(bol: BolSimulator) -> None:
    mine, _theirs = bol.add_return(bol.add_order()), bol.add_return(bol.add_order(fulfilment="FBB"))
    done = settled(bol)
    assert set(told(bol)[0]) == {mine}
    assert set(told(bol, stream=WAREHOUSE)[0]) == {done}  # nobody is asked about what bol still has to look at


def test_a_record_is_enough_and_old_returns_are_not_passed_over(bol: BolSimulator) -> None:
    number = bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 2, "5.00")])
    return_id = bol.add_return(number)
    (record,) = records(pages(bol))
    mug, tea = connector_for(bol).parse_returns(record.raw)
    assert (record.external_id, record.ordered_at) == (return_id, None)
    assert (mug.external_id, mug.order_ref, tea.ean) == (bol.rma(return_id), number, bol.orders[number].items[1].ean)


def test_the_whole_return_is_read_by_its_number(bol: BolSimulator, connector: BolConnector) -> None:
    return_id = bol.add_return(bol.add_order(), reason=("Verkeerd besteld", "", ""))
    (line,) = connector.parse_returns(connector.fetch_one(OPEN, return_id))
    assert (line.title, line.transporter, line.reason) == ("Product MUG", "PostNL", "Verkeerd besteld")
    with pytest.raises(DataError) as caught:
        connector.fetch_one(OPEN, "404404")
    assert caught.value.code == "order.gone"


def test_a_version_changes_with_every_decision_and_with_nothing_else(bol: BolSimulator) -> None:
    return_id = bol.add_return(bol.add_order(lines=[("MUG", 3, "10.00"), ("TEA", 1, "5.00")]))
    versions = [told(bol)[0][return_id]]
    bol.handle_return_by_hand(return_id, quantity=1, line=0)
    versions.append(told(bol)[0][return_id])
    bol.handle_return_by_hand(return_id, line=1)
    versions.append(told(bol)[0][return_id])
    assert len(set(versions)) == 3
    bol.poison(return_id, lambda raw: raw["returnItems"][0]["returnReason"].update(customerComments="Sorry"))
    bol.poison(return_id, lambda raw: raw["returnItems"].reverse())
    assert told(bol)[0][return_id] == versions[-1]


# -- what was settled -----------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [OPEN, WAREHOUSE])
def test_the_first_read_tells_nothing_of_history(bol: BolSimulator, stream: str) -> None:
    fulfilment = stream.partition(":")[2]
    for _ in range(returns.PAGE_SIZE + 1):
        long_ago(bol, settled(bol, fulfilment=fulfilment))
    assert told(bol, stream=stream)[0] == {}
    assert bol.requests.count(LISTS) == (2 if stream == OPEN else 1)
    _nothing, cursor = told(bol, stream=stream)
    assert told(bol, an_hour_later(cursor), stream)[0] == {}


def test_what_bols_warehouse_settled_arrives_decided(bol: BolSimulator) -> None:
    _nothing, cursor = told(bol, stream=WAREHOUSE)
    bol.add_return(bol.add_order(fulfilment="FBB", quantity=2), settled=RECEIVED)
    (record,) = records(pages(bol, cursor, WAREHOUSE))
    (line,) = connector_for(bol).parse_returns(record.raw)
    assert line.verdicts == [VerdictData(ReturnVerdict.ACCEPTED, 2)]


def test_what_a_seller_registers_and_settles_at_once_arrives_too(bol: BolSimulator) -> None:
    """It never stands in the list of open ones."""
    _nothing, cursor = told(bol)
    return_id = settled(bol, fulfilment="FBR")
    assert set(told(bol, cursor)[0]) == {return_id}


def test_what_was_open_is_told_as_settled(bol: BolSimulator) -> None:
    return_id = bol.add_return(bol.add_order())
    before, cursor = told(bol)
    bol.handle_return_by_hand(return_id)
    after, _cursor = told(bol, cursor)
    assert set(before) == set(after) == {return_id}
    assert before != after


@pytest.mark.parametrize("in_part", [False, True])
def test_a_return_that_is_open_in_part_is_told_once_and_as_one_version(bol: BolSimulator, in_part: bool) -> None:
    bol.lists_in_part = in_part
    return_id = bol.add_return(bol.add_order(lines=[("MUG", 1, "10.00"), ("TEA", 1, "5.00")]))
    bol.handle_return_by_hand(return_id, line=0)
    first, cursor = told(bol)
    assert told(bol, cursor)[0] == first
    assert set(first) == {return_id}


@pytest.mark.parametrize("by_decision", [False, True])
def test_what_was_registered_long_ago_is_told_within_the_hour_however_bol_sorts(
    bol: BolSimulator, by_decision: bool
) -> None:
    bol.sorts_by_decision = by_decision
    for _ in range(returns.PAGE_SIZE):
        long_ago(bol, settled(bol))
    _nothing, cursor = told(bol, stream=WAREHOUSE)
    late = settled(bol, timedelta(days=20))
    now, cursor = told(bol, cursor, WAREHOUSE)
    within_the_hour, _cursor = told(bol, an_hour_later(cursor), WAREHOUSE)
    assert set(now) == ({late} if by_decision else set())
    assert late in within_the_hour


def test_a_refusal_that_is_taken_back_weeks_later_is_told(bol: BolSimulator) -> None:
    return_id = bol.add_return(bol.add_order())
    bol.handle_return_by_hand(return_id, "RETURN_DOES_NOT_MEET_CONDITIONS")
    before, cursor = told(bol)
    long_ago(bol, return_id, timedelta(days=60))
    for _ in range(returns.PAGE_SIZE):
        long_ago(bol, settled(bol, fulfilment="FBR"))
    bol.handle_return_by_hand(return_id, "STILL_APPROVED")
    after, _cursor = told(bol, an_hour_later(cursor))
    assert after[return_id] != before[return_id]


def test_a_read_goes_no_further_back_than_it_has_to(bol: BolSimulator) -> None:
    for _ in range(4 * returns.PAGE_SIZE):
        long_ago(bol, settled(bol))
    _nothing, cursor = told(bol, stream=WAREHOUSE)
    before = bol.requests.count(LISTS)
    told(bol, cursor, WAREHOUSE)
    assert bol.requests.count(LISTS) - before == 1


def test_after_a_long_stop_all_that_was_settled_meanwhile_is_told_over_several_reads(bol: BolSimulator) -> None:
    _nothing, cursor = told(bol, stream=WAREHOUSE)
    at = Cursor.parse(cursor)
    assert at.since and at.walked
    cursor = str(Cursor(at.since - timedelta(days=4), at.walked))
    old = {settled(bol) for _ in range(2)}
    for number in old:
        long_ago(bol, number, timedelta(days=8))
    numbers = {settled(bol) for _ in range(5 * returns.PAGE_SIZE)}
    for number in numbers:
        long_ago(bol, number)
    found: set[str] = set()
    reads = 0
    while reads == 0 or "|settled|" in cursor:
        some, cursor = told(bol, cursor, WAREHOUSE)
        found |= set(some)
        reads += 1
    assert found == numbers
    assert reads == 2  # 3 pages and 3: the last one reaches behind


def test_the_whole_way_back_is_gone_three_pages_at_a_time_and_open_ones_are_read_each_time(bol: BolSimulator) -> None:
    for _ in range(4 * returns.PAGE_SIZE):
        long_ago(bol, settled(bol, fulfilment="FBR"))
    late = settled(bol, timedelta(days=60), fulfilment="FBR")  # on the fifth page
    long_ago(bol, late, timedelta(minutes=30))
    open_one = bol.add_return(bol.add_order())
    _found, cursor = told(bol)
    first, cursor = told(bol, an_hour_later(cursor))
    assert set(first) == {open_one}
    assert "|settled|4|walk" in cursor
    another = bol.add_return(bol.add_order())
    second, cursor = told(bol, cursor)
    assert set(second) == {open_one, another, late}
    assert Cursor.parse(cursor).began is None


def test_what_is_listed_late_is_found_then(bol: BolSimulator) -> None:
    bol.list_lag = timedelta(minutes=1)
    fresh, open_one = settled(bol, fulfilment="FBR"), bol.add_return(bol.add_order())
    nothing, cursor = told(bol)
    bol.list_lag = timedelta(0)
    assert (nothing, set(told(bol, cursor)[0])) == ({}, {fresh, open_one})


def test_reads_overlap_by_ten_minutes(bol: BolSimulator) -> None:
    _nothing, cursor = told(bol, stream=WAREHOUSE)
    late = settled(bol)
    long_ago(bol, late, timedelta(minutes=9, seconds=30))
    assert set(told(bol, cursor, WAREHOUSE)[0]) == {late}


@pytest.mark.parametrize("stream", [OPEN, WAREHOUSE])
def test_an_idle_read_leaves_the_cursor_where_it_is(bol: BolSimulator, stream: str) -> None:
    for _ in range(3):
        bol.add_return(bol.add_order())
        settled(bol)
    _found, first = told(bol, stream=stream)
    assert told(bol, first, stream)[1] == first
    at = Cursor.parse(first)
    assert at.since
    old = str(Cursor(at.since - timedelta(minutes=30), at.walked))
    assert told(bol, old, stream)[1] > old


# -- cut half-way ---------------------------------------------------------------------------------


def read_until_stopped(bol: BolSimulator, cursor: str, calls: int, stream: str = OPEN) -> tuple[set[str], str]:
    """A run that bol lets list `calls` pages."""
    bol.limits[LISTS] = (calls, 60.0)
    bol._used.clear()
    found: set[str] = set()
    try:
        for page in connector_for(bol).fetch(stream, cursor):
            found |= {record.external_id for record in page.records}
            cursor = page.cursor
    except RateLimited:
        pass
    return found, cursor


def test_a_read_of_open_ones_that_is_cut_short_is_gone_on_with(bol: BolSimulator) -> None:
    numbers = {bol.add_return(bol.add_order()) for _ in range(4 * returns.PAGE_SIZE + 3)}
    first, cursor = read_until_stopped(bol, "", 3)
    assert len(first) == 3 * returns.PAGE_SIZE
    second, cursor = read_until_stopped(bol, cursor, 4)  # two of them, the page before, and the settled ones
    assert first | second == numbers
    assert Cursor.parse(cursor).began is None


def test_returns_that_slip_to_an_earlier_page_meanwhile_are_read(bol: BolSimulator) -> None:
    numbers = [bol.add_return(bol.add_order()) for _ in range(4 * returns.PAGE_SIZE)]
    first, cursor = read_until_stopped(bol, "", 2)
    for number in numbers[:10]:
        bol.handle_return_by_hand(number)
    second, _cursor = read_until_stopped(bol, cursor, 10)
    assert first | second == set(numbers)


def test_going_on_from_any_page_loses_nothing(bol: BolSimulator) -> None:
    _nothing, cursor = told(bol)
    numbers = {bol.add_return(bol.add_order()) for _ in range(2 * returns.PAGE_SIZE + 1)}
    numbers |= {settled(bol, fulfilment="FBR") for _ in range(returns.PAGE_SIZE + 1)}
    found = pages(bol, cursor)
    assert len(found) == 5
    for number, page in enumerate(found, start=1):
        rest = pages(bol, page.cursor)
        assert {one.external_id for one in records([*found[:number], *rest])} == numbers


def test_a_place_among_the_settled_ones_outlives_a_cut_among_the_open_ones(bol: BolSimulator) -> None:
    numbers = {bol.add_return(bol.add_order()) for _ in range(returns.PAGE_SIZE + 1)}
    began = datetime.now(UTC)
    cursor = str(Cursor(began, began, began, "settled", 3, is_walk=True))
    _first, after = read_until_stopped(bol, cursor, 1)
    assert after == cursor
    second, after = read_until_stopped(bol, after, 3)
    assert second == numbers
    assert after != cursor


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    "at",
    [
        Cursor(),
        Cursor(NOW, NOW),
        Cursor(None, None, NOW, "open", 7),
        Cursor(NOW, NOW, NOW, "settled", 4, is_walk=True),
        Cursor(NOW, NOW, NOW, "settled", 2),
    ],
)
def test_a_cursor_survives_being_kept_as_text(at: Cursor) -> None:
    assert Cursor.parse(str(at)) == at
    assert len(str(at)) < 200


# -- what bol should not say ----------------------------------------------------------------------


def test_the_documented_example_becomes_records() -> None:
    first, second = map(record_of, json.loads((PAYLOADS / "returns.json").read_text())["returns"])
    assert (first.external_id, second.external_id) == ("1", "15896813")
    assert first.version != second.version


@pytest.mark.parametrize(
    "element", [None, 7, "4711", [], {}, {"returnId": None}, {"returnId": " "}, {"returnId": 4711}]
)
@pytest.mark.parametrize("stream", [OPEN, WAREHOUSE])
def test_an_element_without_a_number_is_seen_and_ends_nothing(
    element: object, stream: str, answering: Callable[..., Any]
) -> None:
    whole = {"returnId": "4712", "returnItems": "none"}
    connector, _server = answering({LISTS: [(200, {"returns": [element, whole]}), (200, {})]})
    found = [record for page in connector.fetch(stream, "") for record in page.records]
    strange, readable = found
    assert (strange.external_id[:11], readable.external_id) == ("unreadable-", "4712")
    for record in found:
        with pytest.raises(DataError):
            connector.parse_returns(record.raw)


@pytest.mark.parametrize(
    "spoiled", [{"registrationDateTime": "soon"}, {"returnItems": [7]}, {"returnItems": [{"processingResults": 7}]}]
)
def test_what_has_no_readable_moment_is_told_however_old(
    spoiled: dict[str, Any], answering: Callable[..., Any]
) -> None:
    row = {"returnId": "4712", "registrationDateTime": "2016-11-14T11:06:48+01:00", "returnItems": []} | spoiled
    connector, _server = answering({LISTS: [(200, {"returns": [row]})]})
    (page,) = connector.fetch(WAREHOUSE, "")
    assert [record.external_id for record in page.records] == ["4712"]


@pytest.mark.parametrize("said", [[], "none", {"returns": {}}, {"returns": "none"}, None, 7])
@pytest.mark.parametrize("stream", [OPEN, WAREHOUSE])
def test_a_list_that_is_none_ends_the_run(said: object, stream: str, answering: Callable[..., Any]) -> None:
    connector, _server = answering({LISTS: [(200, said)]})
    with pytest.raises(ContractError):
        list(connector.fetch(stream, ""))


def test_an_empty_object_is_an_empty_list(answering: Callable[..., Any]) -> None:
    connector, server = answering({LISTS: [(200, {})]})
    first, second = connector.fetch(OPEN, "")
    assert (first.records, second.records) == ([], [])
    targets = [one.target for one in server.requests if one.method == "GET"]
    assert [("handled=false" in one, "handled=true" in one) for one in targets] == [(True, False), (False, True)]
