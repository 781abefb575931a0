"""bol is hardly ever asked once too often: its headers are believed, and its words where they are missing."""

from __future__ import annotations

import time

import pytest

from connections.connectors.bol.connector import BolConnector
from connections.connectors.bol.limits import LONGEST_WAIT, Pace, said_seconds, seconds_until_reset
from connections.connectors.errors import RateLimited
from tests.connections.bol.conftest import connector_for, read
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

DETAILS = "GET /retailer/orders/*"


@pytest.mark.parametrize("by_epoch", [False, True])
def test_an_exhausted_allowance_is_not_run_against(bol: BolSimulator, connector: BolConnector, by_epoch: bool) -> None:
    bol.resets_by_epoch = by_epoch
    bol.limits[DETAILS] = (2, 60.0)
    numbers = [bol.add_order() for _ in range(3)]
    connector.fetch_one("orders:FBR", numbers[0])
    connector.fetch_one("orders:FBR", numbers[1])
    before = len(bol.requests)
    with pytest.raises(RateLimited) as caught:
        connector.fetch_one("orders:FBR", numbers[2])
    assert len(bol.requests) == before
    assert 50 < caught.value.retry_after <= 60


def test_one_endpoints_limit_is_not_anothers(bol: BolSimulator, connector: BolConnector) -> None:
    bol.limits[DETAILS] = (1, 60.0)
    number = bol.add_order()
    connector.fetch_one("orders:FBR", number)
    assert set(read(connector)[0]) == {number}


def test_a_429_tells_how_long_to_wait(bol: BolSimulator, connector: BolConnector) -> None:
    bol.fail("GET /retailer/orders", Fault.RATE_LIMIT)
    with pytest.raises(RateLimited) as caught:
        read(connector)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("has_header", [True, False])
def test_a_429_is_believed_by_header_or_by_its_text(bol: BolSimulator, has_header: bool) -> None:
    bol.sends_retry_after = has_header
    bol.limits[DETAILS] = (1, 90.0)
    number = bol.add_order()
    connector_for(bol).fetch_one("orders:FBR", number)
    with pytest.raises(RateLimited) as caught:
        connector_for(bol).fetch_one("orders:FBR", number)  # another worker, which saw no header
    assert 80 <= caught.value.retry_after <= 90


def test_a_short_wait_is_waited() -> None:
    pace = Pace()
    pace.learn("GET /x", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0.1"})
    began = time.monotonic()
    pace.wait_for("GET /x")
    assert time.monotonic() - began > 0.05


def test_what_is_left_is_used() -> None:
    pace = Pace()
    pace.learn("GET /x", {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "60"})
    pace.wait_for("GET /x")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("5", 5),
        ("0", 0),
        ("-3", 0),
        ("999999", LONGEST_WAIT),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("1e400", 3600),
    ],
)
def test_any_reset_becomes_a_time_that_can_be_waited(said: str, seconds: float | None) -> None:
    assert seconds_until_reset({"X-RateLimit-Reset": said}) == seconds


def test_a_reset_in_the_past_is_over() -> None:
    assert seconds_until_reset({"X-RateLimit-Reset": "1539261914"}) == 0
    assert seconds_until_reset({}) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Too many requests, retry in 4 seconds.", 4),
        ("Retry in 0 seconds", 1),
        ("retry in 99999 seconds", LONGEST_WAIT),
        ("Too many requests", None),
    ],
)
def test_the_text_says_how_long(said: str, seconds: float | None) -> None:
    assert said_seconds(said) == seconds
