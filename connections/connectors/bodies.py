"""JSON as it goes out and comes in: amounts exact, hostile or sloppy answers told apart."""

from __future__ import annotations

import json
import re
import secrets
from decimal import Decimal
from typing import Any, NoReturn

from urllib3 import encode_multipart_formdata

from .types import JSON

# WordPress shops print these before the JSON when display_errors is on.
PHP_NOTICE = re.compile(r"\A\s*(?:<br\s*/?>\s*)?(?:<b>)?(?:PHP )?(?:Notice|Warning|Deprecated|Strict Standards)\b")
# json.dumps writes no Decimal, so each goes through as a marked text. The mark is drawn at random:
# a buyer could write a fixed one into his name.
MARK = secrets.token_hex(16)
MARKED = re.compile(f'"{MARK}(-?[0-9.]+)"')
MAX_NOTICES = 20_000  # characters before the JSON
MAX_DEPTH = 100


def dump_json(value: JSON) -> bytes:
    """`value` as UTF-8 JSON, Decimals as numbers with all their digits.

    Raises ValueError for NaN and Infinity, TypeError for what JSON has no form for.
    """
    text = json.dumps(value, default=_marked, allow_nan=False, separators=(",", ":"))
    return MARKED.sub(r"\1", text).encode()


def dump_file(field: str, filename: str, content: bytes, content_type: str) -> tuple[str, bytes]:
    """One file as a form sends it (multipart/form-data): the Content-Type of the request, and its body."""
    body, request_type = encode_multipart_formdata({field: (filename, content, content_type)})
    return request_type, body


def load_json(text: str) -> JSON:
    """What `text` says, fractions as Decimal. Raises ValueError or RecursionError.

    Refused: NaN and Infinity, numbers no amount has, nesting deeper than any API's. Notices of PHP
    before the JSON are passed over.
    """
    text = text.removeprefix("\ufeff")
    try:
        value = _loads(text)
    except json.JSONDecodeError:
        if not PHP_NOTICE.match(text):
            raise
        value = _loads_after_notices(text)
    if _is_deeper_than(value, MAX_DEPTH):
        raise ValueError("nested too deep")
    return value


def _loads(text: str) -> JSON:
    return json.loads(text, parse_float=_decimal, parse_constant=_refuse)


def _loads_after_notices(text: str) -> JSON:
    for found in re.finditer(r"(?:[>\n]\s*)([{\[])", text[:MAX_NOTICES]):
        try:
            return _loads(text[found.start(1) :])
        except json.JSONDecodeError:
            continue
    raise ValueError("no JSON after the notices")


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if value and not -30 < value.adjusted() < 30:
        raise ValueError("a number out of all proportion")  # 1e999999 would fill the memory once printed
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _marked(value: Any) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
    if not value.is_finite():
        raise ValueError(f"{value} cannot be sent as JSON")
    return f"{MARK}{value:f}"


def _is_deeper_than(value: JSON, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
