"""What comes back is told, decided about once, and read back as it was decided; or told by the seller, once."""

from __future__ import annotations

import contextlib
import copy
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connections.connectors.errors import DataError, RateLimited, TransientError
from connections.connectors.types import Pending, ReturnDecisionData, ReturnVerdict

from .failing import ERRORS, failure_of, plan, settle_by
from .test_capabilities import can
from .test_failures import ALWAYS, EVERY_FAULT, READ_FAULTS
from .test_parsing import WRONG, flaws_of, places, with_value
from .test_reading import ids, version

EVERY_VERDICT = pytest.mark.parametrize("verdict", list(ReturnVerdict))


def read(rig, cursor=""):
    return list(rig.connect().fetch(rig.returns_stream, cursor))


def whole(rig, return_id):
    return copy.deepcopy(rig.connect().fetch_one(rig.returns_stream, return_id))


def lines_of(rig, return_id):
    return rig.connect().parse_returns(whole(rig, return_id))


def verdicts_of(rig, return_id):
    return Counter({one.verdict: one.quantity for line in lines_of(rig, return_id) for one in line.verdicts})


def coming_back(rig):
    """(order, a decision to be made about all of what comes back)."""
    rig.settle_down()
    order_ref, return_id = rig.add_return()
    (line,) = lines_of(rig, return_id)
    verdict = min(can(rig).return_verdicts)
    return order_ref, ReturnDecisionData(line.external_id, return_id, verdict, line.quantity, item_id=line.item_id)


def settle(rig, order_ref, decision, key, *, seconds=None):
    return settle_by(
        rig,
        lambda connector, _half: connector.decide_return(order_ref, decision, key=key),
        lambda connector, since: (
            connector.find_return_decision(order_ref, decision, key=key, since=since),
            None,
        ),
        seconds=seconds,
    )


def test_what_is_declared_can_be_tried_here(marketplace):
    """A rig that forgets its returns would have them pass untested."""
    streams = [one.name for one in marketplace.connect().streams() if one.topic == "returns"]
    assert bool(streams) == bool(marketplace.returns_stream)
    assert marketplace.returns_stream in [*streams, ""]
    assert bool(marketplace.returns_listing) == bool(streams)
    assert bool(marketplace.decides) == bool(streams and can(marketplace).return_verdicts)
    assert bool(marketplace.reports) == can(marketplace).reports_returns


def test_what_is_not_declared_is_refused(marketplace):
    connector, since = marketplace.connect(), datetime.now(UTC)
    decision = ReturnDecisionData("1", "1", ReturnVerdict.ACCEPTED, 1)
    calls = []
    if not marketplace.returns_stream:
        calls += [
            lambda: connector.parse_returns({}),
            lambda: connector.decide_return("1", decision, key="k"),
            lambda: connector.find_return_decision("1", decision, key="k", since=since),
        ]
    if not can(marketplace).reports_returns:
        calls += [
            lambda: connector.report_return("1", decision, key="k"),
            lambda: connector.find_reported_return("1", decision, key="k", since=since),
        ]
    for call in calls:
        with pytest.raises(NotImplementedError):
            call()


# -- reading --------------------------------------------------------------------------------------


def test_every_open_return_is_read_once_across_pages(telling):
    expected = {telling.add_return()[1] for _ in range(telling.page_size + 1)}
    telling.settle_down()
    first = read(telling)
    assert sorted(ids(first)) == sorted(expected)
    assert all(record.ordered_at is None for page in first for record in page.records), "old orders come back too"
    again = read(telling, first[-1].cursor)
    if any(one.lists_open_only for one in telling.connect().streams() if one.name == telling.returns_stream):
        assert set(ids(again)) == expected
    versions = [{version(telling, record) for page in pages for record in page.records} for pages in (first, again)]
    assert versions[1] <= versions[0]


def test_an_account_without_returns_is_read_without_ado(telling):
    assert ids(read(telling)) == []


def test_going_on_from_any_page_loses_nothing(telling):
    expected = {telling.add_return()[1] for _ in range(telling.page_size + 1)}
    pages = read(telling)
    for number, page in enumerate(pages, start=1):
        assert {*ids(pages[:number]), *ids(read(telling, page.cursor))} == expected


def test_a_second_read_finds_what_came_in_between(telling):
    telling.add_return()
    cursor = read(telling)[-1].cursor
    telling.settle_down()
    _order_ref, return_id = telling.add_return()
    assert return_id in ids(read(telling, cursor))


def test_a_return_that_is_decided_about_by_hand_is_told(telling):
    """In the next read, or where only open ones are listed when it is asked for."""
    _order_ref, return_id = telling.add_return()
    pages = read(telling)
    (before,) = [record for page in pages for record in page.records]
    telling.settle_down()
    telling.accept_by_hand(return_id)
    after = [record for page in read(telling, pages[-1].cursor) for record in page.records]
    assert version(telling, before) not in [version(telling, record) for record in after]
    spec = next(one for one in telling.connect().streams() if one.name == telling.returns_stream)
    assert spec.lists_open_only or [record.external_id for record in after] == [return_id]
    (line,) = lines_of(telling, return_id)
    assert verdicts_of(telling, return_id) == {ReturnVerdict.ACCEPTED: line.quantity}


def test_a_return_that_is_no_longer_there_is_gone(telling):
    with pytest.raises(DataError) as caught:
        telling.connect().fetch_one(telling.returns_stream, "99999999")
    assert caught.value.code == "order.gone"


def test_a_broken_return_hides_no_other(telling):
    numbers = [telling.add_return()[1] for _ in range(3)]
    telling.spoil_return(numbers[1])
    connector = telling.connect()
    records = [record for page in connector.fetch(telling.returns_stream, "") for record in page.records]
    assert {record.external_id for record in records} == set(numbers)
    for record in records:
        expected = pytest.raises(DataError) if record.external_id == numbers[1] else contextlib.nullcontext()
        with expected:
            connector.parse_returns(record.raw or connector.fetch_one(telling.returns_stream, record.external_id))


@READ_FAULTS
def test_a_read_fails_with_the_right_error(telling, fault):
    telling.add_return()
    seconds = plan(telling, telling.returns_listing, fault, times=ALWAYS)
    error = failure_of(telling, lambda connector: list(connector.fetch(telling.returns_stream, "")), seconds=seconds)
    assert type(error) is ERRORS[fault]
    if isinstance(error, RateLimited):
        assert error.retry_after >= 7


# -- parsing --------------------------------------------------------------------------------------


def test_a_return_becomes_whole_lines(telling):
    telling.settle_down()
    order_ref, return_id = telling.add_return()
    (line,) = lines_of(telling, return_id)
    assert flaws_of(line) == []
    assert (line.order_ref, line.return_id, line.quantity, list(line.verdicts)) == (order_ref, return_id, 2, [])
    assert line.external_id
    assert line.item_id or line.product_id or line.ean, "nobody could say what comes back"
    assert line.registered_at.tzinfo is UTC


def test_parsing_is_pure(telling):
    raw, connector = whole(telling, telling.add_return()[1]), telling.connect()
    before = copy.deepcopy(raw)
    first = connector.parse_returns(raw)
    calls = len(telling.simulator.arrivals)
    assert telling.connect().parse_returns(raw) == first
    assert raw == before
    assert len(telling.simulator.arrivals) == calls


def test_a_broken_return_is_refused_by_name_or_read_well(telling):
    """Each value of a payload taken out, or replaced by many wrong ones; also of one that is decided about."""
    _order_ref, return_id = telling.add_return()
    fresh = whole(telling, return_id)
    telling.accept_by_hand(return_id)
    connector, refused = telling.connect(), 0
    for raw in (fresh, whole(telling, return_id)):
        for path in places(raw):
            for value in WRONG:
                refused += is_refused(connector, with_value(raw, path, value), f"{path} = {value!r:.60}")
    assert refused


@pytest.mark.parametrize("raw", [None, [], {}, "", "x", 0, True, [{}], {"x": 1}])
def test_what_is_no_return_at_all_is_refused(telling, raw):
    assert is_refused(telling.connect(), raw, f"{raw!r}")


def is_refused(connector, raw, where) -> bool:
    try:
        lines = connector.parse_returns(raw)
    except DataError as error:
        assert error.field, f"{where}: {error.detail} names no field"
        assert len(error.detail) < 1000, where
        return True
    except Exception as error:
        raise AssertionError(f"{where}: {type(error).__name__} {error!s:.200}") from error
    assert lines, where
    for line in lines:
        assert flaws_of(line) == [], where
        assert sum(one.quantity for one in line.verdicts) <= line.quantity, where
    return False


# -- deciding -------------------------------------------------------------------------------------


@EVERY_VERDICT
def test_what_may_be_decided_is_done_once_and_read_back(deciding, verdict):
    order_ref, decision = coming_back(deciding)
    decision = replace(decision, verdict=verdict)
    if verdict not in can(deciding).return_verdicts:
        with pytest.raises(DataError):
            deciding.connect().decide_return(order_ref, decision, key=deciding.new_key())
        assert deciding.decided(decision.return_id) == 0
        return
    settle(deciding, order_ref, decision, deciding.new_key())
    assert deciding.decided(decision.return_id) == 1
    assert verdicts_of(deciding, decision.return_id) == {verdict: decision.quantity}


def test_parts_of_a_line_are_decided_one_by_one_where_that_is_declared(deciding):
    order_ref, decision = coming_back(deciding)
    part = replace(decision, quantity=1)
    if not can(deciding).decides_partial_returns:
        with pytest.raises(DataError):
            deciding.connect().decide_return(order_ref, part, key=deciding.new_key())
        assert deciding.decided(decision.return_id) == 0
        return
    settle(deciding, order_ref, part, deciding.new_key())
    assert verdicts_of(deciding, decision.return_id) == {part.verdict: 1}
    rest = replace(part, verdict=max(can(deciding).return_verdicts), decided_before=1)
    settle(deciding, order_ref, rest, deciding.new_key())
    assert verdicts_of(deciding, decision.return_id) == Counter([part.verdict, rest.verdict])
    assert deciding.decided(decision.return_id) == 2


@EVERY_FAULT
def test_a_decision_whose_answer_was_cut_is_made_once(deciding, fault):
    order_ref, decision = coming_back(deciding)
    seconds = plan(deciding, deciding.decides, fault)
    done = settle(deciding, order_ref, decision, deciding.new_key(), seconds=seconds)
    deciding.simulator.heal()
    assert done.remote_id
    assert deciding.decided(decision.return_id) == 1
    assert verdicts_of(deciding, decision.return_id) == {decision.verdict: decision.quantity}


@EVERY_FAULT
def test_a_decision_fails_with_the_right_error_and_is_not_repeated(deciding, fault):
    order_ref, decision = coming_back(deciding)
    kept, seconds = [], plan(deciding, deciding.decides, fault, times=ALWAYS)
    error = failure_of(
        deciding,
        lambda connector: connector.decide_return(order_ref, decision, key=deciding.new_key()),
        exchanges=kept,
        seconds=seconds,
    )
    assert type(error) is ERRORS[fault]
    assert not isinstance(error, TransientError) or error.was_sent
    assert [one.is_write for one in kept][-1:] == [True], "what was sent is kept, whatever came of it"
    assert sum(bool(re.search(deciding.decides, line)) for line in deciding.simulator.arrivals) == 1


def test_a_decision_that_was_never_made_is_surely_absent(deciding):
    order_ref, decision = coming_back(deciding)
    since = datetime.now(UTC)
    assert deciding.connect().find_return_decision(order_ref, decision, key=deciding.new_key(), since=since) is None
    settle(deciding, *coming_back(deciding), deciding.new_key())
    assert deciding.connect().find_return_decision(order_ref, decision, key=deciding.new_key(), since=since) is None


def test_what_is_decided_already_is_not_decided_again(deciding):
    """By hand as well: the seller's own word stands."""
    connector = deciding.connect()
    order_ref, ours = coming_back(deciding)
    settle(deciding, order_ref, ours, deciding.new_key())
    other_ref, theirs = coming_back(deciding)
    deciding.accept_by_hand(theirs.return_id)
    for ref, decision in ((order_ref, ours), (other_ref, theirs)):
        again = replace(decision, decided_before=decision.quantity)
        with pytest.raises(DataError):
            deciding.answered(connector, connector.decide_return(ref, again, key=deciding.new_key()))
    assert (deciding.decided(ours.return_id), deciding.decided(theirs.return_id)) == (1, 0)


def test_a_return_that_is_gone_is_not_decided_about(deciding):
    order_ref, decision = coming_back(deciding)
    connector = deciding.connect()
    with pytest.raises(DataError):
        receipt = connector.decide_return(
            order_ref, replace(decision, external_id="99999999", return_id="99999999"), key=deciding.new_key()
        )
        deciding.answered(connector, receipt)


# -- told by the seller ---------------------------------------------------------------------------


def shipped(rig):
    """(order, a report that all of it came back)."""
    subject = rig.new_subject()
    connector = rig.connect()
    rig.answered(connector, rig.send(connector, subject, rig.new_key()))
    (item,) = subject.data.items
    verdict = min(can(rig).return_verdicts)
    return subject.order_ref, ReturnDecisionData("", "", verdict, item.quantity, item_id=item.item_id)


def report(rig, order_ref, decision, key, *, seconds=None):
    return settle_by(
        rig,
        lambda connector, _half: connector.report_return(order_ref, decision, key=key),
        lambda connector, since: (
            connector.find_reported_return(order_ref, decision, key=key, since=since),
            None,
        ),
        seconds=seconds,
    )


@EVERY_VERDICT
def test_what_came_back_is_told_once_with_what_becomes_of_it(reporting, verdict):
    order_ref, decision = shipped(reporting)
    decision, key = replace(decision, verdict=verdict), reporting.new_key()
    if verdict not in can(reporting).return_verdicts:
        with pytest.raises(DataError):
            reporting.connect().report_return(order_ref, decision, key=key)
        assert reporting.reported(order_ref, key) == 0
        return
    assert report(reporting, order_ref, decision, key).remote_id
    assert reporting.reported(order_ref, key) == 1


@EVERY_FAULT
def test_a_report_whose_answer_was_cut_is_made_once(reporting, fault):
    order_ref, decision = shipped(reporting)
    key, seconds = reporting.new_key(), plan(reporting, reporting.reports, fault)
    done = report(reporting, order_ref, decision, key, seconds=seconds)
    reporting.simulator.heal()
    assert reporting.reported(order_ref, key) == 1
    assert done.remote_id


@EVERY_FAULT
def test_a_report_fails_with_the_right_error_and_is_not_repeated(reporting, fault):
    order_ref, decision = shipped(reporting)
    seconds = plan(reporting, reporting.reports, fault, times=ALWAYS)
    error = failure_of(
        reporting,
        lambda connector: connector.report_return(order_ref, decision, key=reporting.new_key()),
        seconds=seconds,
    )
    assert type(error) is ERRORS[fault]
    assert sum(bool(re.search(reporting.reports, line)) for line in reporting.simulator.arrivals) == 1


def test_a_report_is_found_by_its_reference_alone(reporting):
    """Two that look alike are two; more than was shipped does not come back."""
    since, connector = datetime.now(UTC), reporting.connect()
    order_ref, decision = shipped(reporting)
    half, keys = replace(decision, quantity=1), [reporting.new_key(), reporting.new_key()]
    done = []
    for key in keys:
        assert connector.find_reported_return(order_ref, half, key=key, since=since) is None
        done.append(report(reporting, order_ref, half, key))
        found = connector.find_reported_return(order_ref, half, key=key, since=since)
        assert isinstance(found, Pending) or found.remote_id == done[-1].remote_id
        assert connector.find_reported_return(order_ref, half, key=f"{key}0", since=since) is None
    assert done[0].remote_id != done[1].remote_id
    key = reporting.new_key()
    with pytest.raises(DataError):
        reporting.answered(connector, connector.report_return(order_ref, half, key=key))
    assert [reporting.reported(order_ref, one) for one in (*keys, key)] == [1, 1, 0]
