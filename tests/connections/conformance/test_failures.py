"""Whatever goes wrong on the way is one of the five errors, the one that says what to do next."""

from __future__ import annotations

import re
import socket

import pytest

from connections.connectors.errors import RateLimited, TransientError
from tests.simulators.base import Fault

from .failing import ERRORS, failure_of, plan

EVERY_FAULT = pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
# An object without the list is how some remotes (bol) say that it is empty.
READ_FAULTS = pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault is not Fault.OTHER_JSON], ids=lambda fault: fault.name.lower()
)
ALWAYS = 50


@READ_FAULTS
def test_a_read_fails_with_the_right_error(rig, fault):
    rig.add_records(1)
    seconds = plan(rig, rig.listing, fault, times=ALWAYS)
    error = failure_of(rig, lambda connector: list(connector.fetch(rig.stream, "")), seconds=seconds)
    assert type(error) is ERRORS[fault]
    if isinstance(error, RateLimited):
        assert error.retry_after >= 7


@EVERY_FAULT
def test_a_write_fails_with_the_right_error_and_is_not_repeated(rig, fault):
    subject, write, kept = rig.new_subject(), rig.writes[0], []
    seconds = plan(rig, write, fault, times=ALWAYS)
    error = failure_of(
        rig, lambda connector: rig.send(connector, subject, rig.new_key()), exchanges=kept, seconds=seconds
    )
    assert type(error) is ERRORS[fault]
    assert not isinstance(error, TransientError) or error.was_sent
    assert [one.is_write for one in kept][-1:] == [True], "what was sent is kept, whatever came of it"
    assert sum(bool(re.search(write, line)) for line in rig.simulator.arrivals) == 1


def test_a_write_that_never_left_says_so(rig):
    """Nobody listens there: only then may it be sent again without a look-up."""
    subject = rig.new_subject()
    with socket.create_server(("127.0.0.1", 0)) as server:
        nowhere = f"http://127.0.0.1:{server.getsockname()[1]}"
    rig.simulator.url = nowhere
    error = failure_of(rig, lambda connector: rig.send(connector, subject, rig.new_key()))
    assert type(error) is TransientError
    assert not error.was_sent


def test_a_read_survives_a_short_failure(rig):
    rig.add_records(1)
    rig.simulator.fail(rig.listing, Fault.ERROR_503_BEFORE)
    records = [record for page in rig.connect().fetch(rig.stream, "") for record in page.records]
    assert {record.external_id for record in records} == set(rig.record_ids())
