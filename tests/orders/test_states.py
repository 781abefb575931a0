"""The table of states and the one rule that derives an order's status."""

from __future__ import annotations

import itertools

import pytest

from orders.states import TRANSITIONS, OrderStatus, PartStatus, derive_status

P, O = PartStatus, OrderStatus  # noqa: E741

EXAMPLES = [
    ([P.OPEN], {}, O.NOT_SHIPPED),
    ([P.OPEN, P.OPEN], {}, O.NOT_SHIPPED),
    ([P.WAITING], {}, O.WAITING),
    ([P.OPEN, P.WAITING], {}, O.WAITING),
    ([P.PENDING_SHIPMENT], {}, O.PENDING_SHIPMENT),
    ([P.PENDING_SHIPMENT, P.PROCESSING], {}, O.PENDING_SHIPMENT),
    ([P.PROCESSING], {}, O.PROCESSING),
    ([P.SHIPPED, P.PROCESSING], {}, O.PROCESSING),
    ([P.SHIPPED], {}, O.SHIPPED),
    ([P.SHIPPED, P.CANCELLED], {}, O.SHIPPED),
    ([P.CANCELLED], {}, O.CANCELLED),
    ([], {}, O.CANCELLED),
    ([P.SHIPPED, P.OPEN], {}, O.PARTIAL),
    ([P.CANCELLED, P.WAITING], {}, O.PARTIAL),
    ([P.PENDING_SHIPMENT, P.OPEN], {}, O.PARTIAL),
    ([P.PENDING_CANCELLATION], {}, O.PENDING_CANCELLATION),
    ([P.PENDING_CANCELLATION, P.SHIPPED], {}, O.PENDING_CANCELLATION),
    ([P.OPEN], {"is_confirmed": False}, O.AWAITING_CONFIRMATION),
    ([P.CANCELLED], {"is_confirmed": False}, O.CANCELLED),
    ([P.OPEN], {"cancellation_requested": True}, O.CANCELLATION_REQUEST),
    ([P.WAITING], {"cancellation_requested": True}, O.CANCELLATION_REQUEST),
    ([P.PENDING_SHIPMENT], {"cancellation_requested": True}, O.PENDING_SHIPMENT),
    ([P.SHIPPED], {"cancellation_requested": True}, O.SHIPPED),
    ([P.OPEN], {"is_manual": True}, O.MANUAL),
    ([P.SHIPPED, P.OPEN], {"is_manual": True}, O.MANUAL),
    ([P.PENDING_CANCELLATION], {"is_manual": True}, O.PENDING_CANCELLATION),
    ([P.SHIPPED], {"is_manual": True}, O.SHIPPED),
]


@pytest.mark.parametrize(("parts", "flags", "expected"), EXAMPLES)
def test_the_status_follows_from_parts_and_flags(
    parts: list[PartStatus], flags: dict[str, bool], expected: OrderStatus
) -> None:
    assert derive_status(parts, **flags) == expected


def test_every_combination_of_parts_and_flags_has_a_status() -> None:
    for size in (1, 2, 3):
        for parts in itertools.combinations_with_replacement(PartStatus, size):
            for flags in itertools.product([True, False], repeat=3):
                names = ("is_confirmed", "cancellation_requested", "is_manual")
                assert derive_status(parts, **dict(zip(names, flags, strict=True))) in OrderStatus


def test_every_status_has_a_row_and_nothing_leaves_cancelled() -> None:
    assert set(TRANSITIONS) == set(OrderStatus)
    assert TRANSITIONS[O.CANCELLED] == frozenset()
    assert all(state not in targets for state, targets in TRANSITIONS.items())


def test_only_what_nobody_decided_about_can_be_verified_again() -> None:
    """Or what a person hands back that was never confirmed."""
    found = {state for state, targets in TRANSITIONS.items() if O.AWAITING_CONFIRMATION in targets}
    assert found == {O.NOT_SHIPPED, O.CANCELLATION_REQUEST, O.MANUAL, O.PENDING_CANCELLATION}
