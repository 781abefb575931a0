"""Effects that take several calls.

RateLimited, AuthError and a TransientError that was not sent say of an effect that nothing of it was
executed, and the engine then sends it anew. Once a first call was executed none of them is true of the
whole any more: the effect is half made and has to be looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import AuthError, RateLimited, TransientError


@contextmanager
def later_calls() -> Iterator[None]:
    """Around every call after the first that changed something at the remote."""
    try:
        yield
    except (RateLimited, AuthError, TransientError) as error:
        raise TransientError(error.detail, code=error.code, request_id=error.request_id, status=error.status) from error
