"""What an HTTP status, or the lack of an answer, means to us: the only such table.

A connector may refine it by passing `accept` and judging the body itself, saying why.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from urllib3.exceptions import IncompleteRead, InvalidChunkLength

from channable.core.redact import redact

from .errors import AuthError, ConnectorError, ContractError, DataError, RateLimited, TransientError
from .transport import OutOfTime

if TYPE_CHECKING:
    from .http import Response

DEFAULT_RETRY_AFTER = 60
LONGEST_RETRY_AFTER = 3600
DETAIL_LENGTH = 300
PAGE = re.compile(rb"\s*<(?:!doctype|html|head|\?xml)", re.IGNORECASE)


def error_for(response: Response, *, is_write: bool, hint: str = "") -> ConnectorError:
    """The error for an answer that is not 2xx.

    A 403 or 406 with a page instead of JSON comes from a firewall before the shop (Cloudflare,
    Wordfence, ModSecurity), not from the API: the keys are fine and asking for new ones would not
    help, so it is transient with a code of its own. A 503 with Retry-After may on a write come after
    the work was done (a shop that times out while it sends mails), so only a read is told to wait.
    """
    status, request_id = response.status, response.request_id
    detail = f"{status}: {_words(response)}{hint}"
    if status in {403, 406} and _is_page(response):
        return TransientError(detail, code="connector.blocked", status=status, request_id=request_id)
    if status in {401, 403}:
        return AuthError(detail, status=status, request_id=request_id)
    wait = retry_after(response.headers)
    if status == 429 or (status == 503 and wait is not None and not is_write):
        return RateLimited(detail, retry_after=wait or DEFAULT_RETRY_AFTER, status=status, request_id=request_id)
    if status in {408, 425} or status >= 500:
        return TransientError(detail, status=status, request_id=request_id)
    if 400 <= status < 500:
        return DataError(detail, code="connector.refused", status=status, request_id=request_id)
    return ContractError(detail, status=status, request_id=request_id)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of Retry-After, a number or a date (RFC 9110, 10.2.3), within 1 and 3600; None without."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value) if value.replace(".", "", 1).isdigit() else _seconds_until(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 1), LONGEST_RETRY_AFTER)


def explain_failure(error: BaseException) -> ConnectorError:
    """The error for a request that got no whole answer after it was (partly) sent.

    Texts of urllib3 may hold the URL with its keys, so only the kind of failure is told.
    """
    kinds = list(_causes(error))
    if any(isinstance(kind, OutOfTime) for kind in kinds):
        return TransientError("the answer took longer than this call may", code="connector.timeout")
    if any(isinstance(kind, TimeoutError) or "Timeout" in type(kind).__name__ for kind in kinds):
        return TransientError("no answer in time", code="connector.timeout")
    if any(isinstance(kind, IncompleteRead | InvalidChunkLength | http.client.IncompleteRead) for kind in kinds):
        return TransientError("the answer was cut off", code="connector.cut")
    if any(isinstance(kind, OSError) and not hasattr(kind, "request") for kind in kinds):
        return TransientError("the connection was cut", code="connector.cut")
    if any(isinstance(kind, http.client.HTTPException) for kind in kinds):
        return ContractError("the answer is not HTTP")
    return TransientError(f"the call failed ({type(error).__name__})", code="connector.cut")


def _seconds_until(value: str) -> float:
    moment = parsedate_to_datetime(value)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _is_page(response: Response) -> bool:
    kind = response.headers.get("Content-Type", "").lower()
    return "html" in kind or "cf-mitigated" in response.headers or PAGE.match(response.body) is not None


def _words(response: Response) -> str:
    """The beginning of what the remote said."""
    if _is_page(response):
        return "a web page instead of data"
    text = redact(response.body[:4000], secrets=response.secrets)
    return " ".join(text.split())[:DETAIL_LENGTH]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was made from: requests and urllib3 put the cause in args or `reason`."""
    seen: set[int] = set()
    todo = [error]
    while todo:
        current = todo.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
        todo += [cause for cause in inner if isinstance(cause, Exception)]
