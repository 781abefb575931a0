"""The check against bol's own description really checks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.connections.bol.conftest import PAYLOADS
from tests.simulators.base import Request, Response
from tests.simulators.bol import MEDIA_TYPE, description
from tests.simulators.validation import specs_available

pytestmark = pytest.mark.skipif(not specs_available("bol"), reason="bol's description is not here: set API_SPECS_DIR")


def exchange(
    method: str, path: str, body: bytes = b"", answer: object = None, status: int = 200, **query: str
) -> list[str]:
    headers = {"Content-Type": MEDIA_TYPE}
    request = Request(method, path, dict(query), headers, body, path)
    return description().errors(request, Response.of(answer or {}, status, content_type=MEDIA_TYPE))


def read(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def test_a_good_exchange_is_clean() -> None:
    assert exchange("GET", "/retailer/orders", status=200, **{"fulfilment-method": "FBR", "page": "1"}) == []


@pytest.mark.parametrize(
    ("finding", "problem"),
    [
        (lambda: exchange("GET", "/retailer/orders", page="0"), "minimum"),
        (lambda: exchange("GET", "/retailer/orders", state="OPEN"), "unknown parameter state"),
        (lambda: exchange("GET", "/retailer/orders", **{"change-interval-minute": "61"}), "maximum"),
        (lambda: exchange("GET", "/retailer/parcels"), "not in the description"),
        (lambda: exchange("GET", "/retailer/orders/1", answer={"orderId": 1}), "is not of type 'string'"),
        (lambda: exchange("POST", "/retailer/shipments", b'{"items": []}', status=202), "orderItems"),
        (lambda: exchange("POST", "/retailer/shipments", b'{"reference": "1"}', status=202), "Additional properties"),
        (lambda: exchange("GET", "/retailer/orders", answer={"order": []}), "Additional properties"),
        (lambda: exchange("GET", "/retailer/orders", status=204), "not described"),
        (lambda: exchange("GET", "/retailer/returns", handled="yes"), "is not of type 'boolean'"),
        (lambda: exchange("PUT", "/retailer/returns/1", b'{"quantityReturned": 0}', status=202), "handlingResult"),
    ],
)
def test_a_wrong_one_is_found(finding: object, problem: str) -> None:
    assert any(problem in one for one in finding())  # type: ignore[operator]


def test_our_examples_are_as_described() -> None:
    """A payload that bol could not send would prove nothing."""
    order, listed, statuses = (read(name) for name in ("order", "reduced-orders", "process-statuses"))
    assert exchange("GET", f"/retailer/orders/{order['orderId']}", answer=order) == []
    assert exchange("GET", "/retailer/orders", answer=listed) == []
    returned, returns = read("return"), read("returns")
    assert exchange("GET", f"/retailer/returns/{returned['returnId']}", answer=returned) == []
    assert exchange("GET", "/retailer/returns", answer=returns, handled="true", page="1") == []
    query = b'{"processStatusQueries": [{"processStatusId": "1"}]}'
    assert exchange("POST", "/shared/process-status", query, answer=statuses) == []
