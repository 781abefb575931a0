"""A payload becomes a whole value or a DataError that names the place; never anything else."""

from __future__ import annotations

import copy
import math
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.errors import DataError

GONE = object()
WRONG = [
    GONE, None, True, 0, -1, 10**30, 1.5, Decimal("1.5"), Decimal("NaN"), "", " ", "NaN", "Infinity", "1e400", "-1",
    "x", "x" * 100_000, "🙂", "\u202e", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-02-30T00:00:00+00:00", [], {}, [None], ["x"], [[]], [{}], {"x": None},
]  # fmt: skip


def places(raw: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a payload."""
    pairs = raw.items() if isinstance(raw, Mapping) else enumerate(raw) if isinstance(raw, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from places(value, (*path, key))


def with_value(raw: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(raw)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    if value is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = copy.deepcopy(value)
    return changed


def flaws(value: Any, hint: Any, path: str) -> Iterator[str]:
    """What of a parsed value isn't what its class says, or cannot be stored."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if not (value is None and type(None) in arguments):
            yield from flaws(value, next(one for one in arguments if one is not type(None)), path)
    elif origin in (Sequence, Collection):
        if isinstance(value, str) or not isinstance(value, Sequence):
            yield f"{path} is {type(value).__name__}"
            return
        for number, element in enumerate(value):
            yield from flaws(element, arguments[0], f"{path}[{number}]")
    elif isinstance(hint, type) and (not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)):
        yield f"{path} is {type(value).__name__}"
    elif is_dataclass(value):
        hints = typing.get_type_hints(type(value))
        for one in fields(value):
            yield from flaws(getattr(value, one.name), hints[one.name], f"{path}.{one.name}")
    elif isinstance(value, datetime) and value.utcoffset() != timedelta(0):
        yield f"{path} is not in UTC"
    elif isinstance(value, Decimal | int) and not (math.isfinite(value) and abs(value) < 10**10):
        yield f"{path} is {value}"


def flaws_of(parsed: Any) -> list[str]:
    return list(flaws(parsed, type(parsed), type(parsed).__name__))


def test_an_order_becomes_a_whole_value(rig):
    parsed = rig.parse(rig.connect(), rig.payload())
    assert flaws_of(parsed) == []
    assert parsed.external_id


def test_parsing_is_pure(rig):
    raw, connector = rig.payload(), rig.connect()
    before = copy.deepcopy(raw)
    first = rig.parse(connector, raw)
    calls = len(rig.simulator.arrivals)
    assert rig.parse(rig.connect(), raw) == first
    assert raw == before
    assert len(rig.simulator.arrivals) == calls


def test_every_documented_status_has_its_meaning(rig):
    raw, connector = rig.payload(), rig.connect()
    found = {status: rig.meaning(rig.parse(connector, rig.with_status(raw, status))) for status in rig.statuses}
    assert found == dict(rig.statuses)


def test_an_unknown_status_is_never_guessed(rig):
    raw, connector = rig.with_status(rig.payload(), "TELEPORTED"), rig.connect()
    if rig.invents_statuses:
        assert rig.meaning(rig.parse(connector, raw)) == "open", rig.invents_statuses
        return
    with pytest.raises(DataError) as caught:
        rig.parse(connector, raw)
    assert caught.value.field
    assert "TELEPORTED" in caught.value.detail


def test_a_broken_order_is_refused_by_name_or_read_well(rig):
    """Each value of a payload taken out, or replaced by many wrong ones."""
    raw, connector = rig.payload(), rig.connect()
    refused = 0
    for path in places(raw):
        for value in WRONG:
            refused += is_refused(rig, connector, with_value(raw, path, value), f"{path} = {value!r:.60}")
    assert refused


@pytest.mark.parametrize("raw", [None, [], {}, "", "x", 0, True, [{}], {"x": 1}])
def test_what_is_no_order_at_all_is_refused(rig, raw):
    assert is_refused(rig, rig.connect(), raw, f"{raw!r}")


def is_refused(rig, connector, raw, where) -> bool:
    try:
        parsed = rig.parse(connector, raw)
    except DataError as error:
        assert error.field, f"{where}: {error.detail} names no field"
        assert len(error.detail) < 1000, where
        return True
    except Exception as error:
        raise AssertionError(f"{where}: {type(error).__name__} {error!s:.200}") from error
    assert flaws_of(parsed) == [], where
    return False


def test_amounts_are_exact_and_moments_aware(marketplace):
    marketplace.settle_down()
    order_ref = marketplace.new_order()
    connector = marketplace.connect()
    order = connector.parse_order(connector.fetch_one(marketplace.stream, order_ref))
    assert (order.external_id, order.total, order.currency) == (order_ref, Decimal("39.98"), "EUR")
    assert [(item.quantity, item.unit_price) for item in order.items] == [(2, Decimal("19.99"))]
    assert abs(order.ordered_at - marketplace.simulator.now()) < timedelta(minutes=1)
    assert order.ordered_at.tzinfo is UTC
