"""Which pairs of a state and an event each test goes through that `orders/matrix.py` names."""

from __future__ import annotations

from orders.matrix import MATRIX


def pairs_of_tests() -> dict[str, set[str]]:
    """By node id, as `apply` says them: "order.applied:<event>:<from>:<to>"."""
    found: dict[str, set[str]] = {}
    for row in MATRIX:
        for promise in row.promises:
            for status in promise.states:
                if test := row.test_of(promise, status):
                    pairs = {f"order.applied:{row.event.__name__}:{status}:{to}" for to in promise.to or (status,)}
                    found.setdefault(test, set()).update(pairs)
    return found


PAIRS_OF_TESTS = pairs_of_tests()
