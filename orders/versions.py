"""Whether a record is the one we know."""

from __future__ import annotations

import hashlib

from channable.core.exact_json import dumps
from connections.connectors.types import Record


def version_of(record: Record) -> str:
    """The remote's own version, or a hash of the whole record in a canonical form."""
    if record.version:
        return record.version[:200]
    return hashlib.sha256(dumps(record.raw, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
