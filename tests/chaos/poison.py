"""Ways in which an order of the Example marketplace cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Order = dict[str, Any]


def _with(**values: Any) -> Callable[[Order], Any]:
    return lambda order: {**order, **values}


def _without(name: str) -> Callable[[Order], Any]:
    return lambda order: {key: value for key, value in order.items() if key != name}


def _line(**values: Any) -> Callable[[Order], Any]:
    return lambda order: {**order, "lines": [{**order["lines"][0], **values}]}


WAYS: list[Callable[[Order], Any]] = [
    _without("number"),
    _with(number=None),
    _with(number=17),
    _with(number=""),
    _with(number="9" * 400),
    _without("status"),
    _with(status="teleported"),
    _with(status=None),
    _without("placed_at"),
    _with(placed_at="2026-11-01T10:00:00"),  # no offset
    _with(placed_at="yesterday"),
    _with(placed_at="9999-12-31T23:59:59-23:59"),
    _without("changed_at"),
    _with(changed_at=1764115200),
    _without("currency"),
    _with(currency="EURO"),
    _without("total"),
    _with(total="NaN"),
    _with(total="1e400"),
    _with(total="-1.00"),
    _with(total=["19.99"]),
    _without("lines"),
    _with(lines=[]),
    _with(lines={"0": {}}),
    _with(lines=["MUG"]),
    _line(quantity=0),
    _line(quantity=-1),
    _line(quantity=10**15),
    _line(unit_price="for free"),
    _line(id=None),
    lambda order: {**order, "lines": order["lines"] * 2},
    _without("ship_to"),
    _with(ship_to=[]),
    lambda order: None,
    lambda order: "sold out",
    lambda order: [order],
]
