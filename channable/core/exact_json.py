"""JSON in which numbers stay exact (Decimal) and text is what PostgreSQL can store."""

from __future__ import annotations

import json
import re
import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any

# json.dumps writes no Decimal, so each goes through as a marked text. The mark is drawn at random: a
# buyer could write a fixed one into his name.
_MARK = secrets.token_hex(16)
_MARKED = re.compile(f'"{_MARK}(-?[0-9]+(?:\\.[0-9]+)?)"')
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Without NUL and lone surrogates, which no text column takes."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def clean(value: Any) -> Any:
    """The same for every text in a JSON value."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{_MARK}{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value: Any, *, sort_keys: bool = False) -> str:
    """Compact JSON; Decimals are written as numbers with all their digits."""
    text = json.dumps(value, default=_default, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    return _MARKED.sub(r"\1", text) if _MARK in text else text


def is_storable(text: str) -> bool:
    """Whether JSON text holds nothing that no text column takes. A NUL is always written as an escape."""
    if "\\u0000" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def dumps_storable(value: Any) -> str:
    """The same, cleaned if there is something to clean; most values have nothing."""
    text = dumps(value)
    return text if is_storable(text) else dumps(clean(value))


def loads(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


class ExactEncoder(json.JSONEncoder):
    """For Django's JSONField."""

    def encode(self, o: Any) -> str:
        return dumps_storable(o)


class ExactDecoder(json.JSONDecoder):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(parse_float=Decimal, **kwargs)
