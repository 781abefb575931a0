"""Access tokens kept in memory: what `connections.tokens` does over the database, for connectors alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from connections.connectors.base import Token


class MemoryTokens:
    def __init__(self) -> None:
        self.token: Token | None = None
        self.requests = 0
        self._lock = Lock()

    def current(self) -> Token | None:
        token = self.token
        return token if token and token.expires_at - datetime.now(UTC) > timedelta(seconds=60) else None

    def renew(self, request: Callable[[], Token], *, rejected: str = "") -> Token:
        with self._lock:
            current = self.current()
            if current is None or current.value == rejected:
                self.token, self.requests = request(), self.requests + 1
                return self.token
            return current
