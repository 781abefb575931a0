"""An effect happens once, whatever becomes of the answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connections.connectors.errors import TransientError
from connections.connectors.types import Pending
from tests.simulators.base import Fault

from .failing import plan, settle


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_a_push_whose_answer_was_cut_happens_once_and_whole(rig, fault):
    """At each of the calls it is made of: half made is gone on with, never begun anew."""
    for write in rig.writes:
        subject, key = rig.new_subject(), rig.new_key()
        seconds = plan(rig, write, fault)
        done = settle(rig, subject, key, seconds=seconds)
        rig.simulator.heal()
        assert rig.effects(subject, key) == 1, write
        assert rig.whole(subject, key), write
        assert done.remote_id, write


def test_what_was_never_sent_is_surely_absent(rig):
    subject = rig.new_subject()
    assert rig.find(rig.connect(), subject, rig.new_key(), datetime.now(UTC)) == (None, None)


def test_what_was_sent_is_found_by_its_reference_alone(rig):
    since, subject, key = datetime.now(UTC), rig.new_subject(), rig.new_key()
    connector = rig.connect()
    receipt = rig.send(connector, subject, key)
    rig.answered(connector, receipt)
    whole, _ = rig.find(rig.connect(), subject, key, since)
    assert whole.remote_id
    assert isinstance(receipt, Pending) or whole.remote_id == receipt.remote_id
    for other in (key[:-1], f"{key}0"):
        assert rig.find(rig.connect(), rig.new_subject(), other, since) == (None, None)
    assert rig.effects(subject, key) == 1


def test_two_effects_that_look_alike_are_two(rig):
    one, other = rig.new_subject(), rig.new_subject()
    keys = [rig.new_key(), rig.new_key()]
    done = [settle(rig, subject, key) for subject, key in zip((one, other), keys, strict=True)]
    assert done[0].remote_id != done[1].remote_id
    assert [rig.effects(one, keys[0]), rig.effects(other, keys[1])] == [1, 1]


def test_an_order_cut_at_every_call_is_one_whole_order(platform):
    """Found half made again and again, by another worker each time."""
    since, subject, key = datetime.now(UTC), platform.new_subject(), platform.new_key()
    for write in platform.writes:
        platform.simulator.fail(write, Fault.BAD_GATEWAY_AFTER)
    done = settle(platform, subject, key)
    found = platform.connect().find_order(key, since=since)
    assert (found.remote_id, found.is_complete) == (done.remote_id, True)
    assert platform.whole(subject, key)


def test_what_stops_a_half_made_order_leads_to_another_look(platform):
    """ "Nothing was executed" would have it sent anew, beside the half that is there."""
    if len(platform.writes) == 1:
        pytest.skip("an order is made by one call, so it is never half made")
    since, subject, key = datetime.now(UTC), platform.new_subject(), platform.new_key()
    platform.simulator.fail(platform.writes[-1], Fault.RESET_BEFORE)
    with pytest.raises(TransientError):
        platform.send(platform.connect(), subject, key)
    _, half = platform.find(platform.connect(), subject, key, since)
    assert half is not None
    connector = platform.connect()
    connector.check()
    platform.simulator.fail("", Fault.RATE_LIMIT)
    with pytest.raises(TransientError) as caught:
        platform.send(connector, subject, key, half)
    assert caught.value.was_sent
