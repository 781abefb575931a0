"""bol's limits, per endpoint and account, as its answers tell them.

Every answer carries X-RateLimit-Limit, -Remaining and -Reset. The numbers change over time and bol
asks clients to read them; a client that keeps meeting 429 is contacted. So a call that is bound to be
refused is not made.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping

from ..errors import RateLimited

EPOCH = 1_000_000_000  # a larger Reset is a moment, a smaller one a number of seconds: both occur
LONGEST_WAIT = 3600.0
WORTH_WAITING = 3.0  # seconds; a longer pause ends the run, and the next one goes on
RETRY_TEXT = re.compile(r"retry in (\d{1,5}) seconds", re.IGNORECASE)


class Pace:
    """What is left of each endpoint's allowance during one run."""

    def __init__(self) -> None:
        self._closed_until: dict[str, float] = {}  # endpoint -> time.monotonic

    def wait_for(self, endpoint: str) -> None:
        """Wait a moment for the next allowance, or raise RateLimited if that takes longer."""
        seconds = self._closed_until.get(endpoint, 0.0) - time.monotonic()
        if 0 < seconds <= WORTH_WAITING:
            time.sleep(seconds)
        elif seconds > 0:
            raise RateLimited(f"the allowance of {endpoint} is used up", retry_after=max(seconds, 1.0))

    def learn(self, endpoint: str, headers: Mapping[str, str]) -> None:
        if headers.get("X-RateLimit-Remaining", "").strip() == "0":
            seconds = seconds_until_reset(headers)
            if seconds is not None:
                self._closed_until[endpoint] = time.monotonic() + seconds


def seconds_until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds of X-RateLimit-Reset within 0 and 3600; None if it is absent or unreadable."""
    try:
        value = float(headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return None
    seconds = value - time.time() if value > EPOCH else value
    return min(max(seconds, 0.0), LONGEST_WAIT) if not math.isnan(seconds) else None


def said_seconds(detail: str) -> float | None:
    """How long to wait after a 429, from its text: the header Retry-After is sometimes missing."""
    said = RETRY_TEXT.search(detail)
    return min(max(float(said[1]), 1.0), LONGEST_WAIT) if said else None
