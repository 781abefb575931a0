"""Reading what WooCommerce answers: the expected form, or one of the five errors."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ..errors import ConnectorError, ContractError, DataError
from ..statuses import error_for
from ..types import JSON

if TYPE_CHECKING:
    from ..http import Response

# Parts of an order that the shop may refuse: code and reason of our error.
REFUSALS = {
    "currency": ("pricing.currency", "pricing"),
    "billing": ("address.unusable", "address_parsing"),
    "shipping": ("address.unusable", "address_parsing"),
}


def error_code(response: Response) -> str:
    """`code` of a WordPress error body, "" if the body is none."""
    try:
        body = response.json()
    except ContractError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""


def refusal(response: Response) -> ConnectorError:
    """`data.params` of a WordPress error names the parts of the request that are wrong."""
    error = error_for(response, is_write=True)
    for name in _wrong_params(response):
        if name in REFUSALS:
            code, reason = REFUSALS[name]
            return DataError(
                error.detail, code=code, field=name, reason=reason, status=400, request_id=response.request_id
            )
    return error


def _wrong_params(response: Response) -> Collection[str]:
    try:
        params = response.json()["data"]["params"]
    except (ContractError, KeyError, TypeError):
        return ()
    return params.keys() if isinstance(params, dict) else ()


def object_of(response: Response) -> JSON:
    body = response.json()
    if not isinstance(body, dict):
        raise _unexpected("an object", response)
    return body


def list_of(response: Response) -> list[JSON]:
    body = response.json()
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise _unexpected("a list of objects", response)
    return body


def _unexpected(wanted: str, response: Response) -> ContractError:
    return ContractError(f"The shop's answer is not {wanted}.", status=response.status, request_id=response.request_id)


def count_of(response: Response, header: str) -> int:
    """Caches and proxies that drop these headers would make us stop after the first page, unnoticed."""
    text = str(response.headers.get(header) or "")
    if not text.isdecimal():
        raise ContractError(f"The shop's answer has no header {header}.", status=response.status)
    return int(text)


def server_time(response: Response) -> datetime:
    """The answer's Date header. Ours stands in where a proxy drops it: the overlap covers the difference."""
    try:
        return parsedate_to_datetime(str(response.headers["Date"])).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC).replace(microsecond=0)
