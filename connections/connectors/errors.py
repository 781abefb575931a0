"""The five errors a connector may raise, told apart by what we do next.

| class          | meaning                                | what happens                                              |
|----------------|----------------------------------------|-----------------------------------------------------------|
| TransientError | network, time-out, 5xx                 | a read is tried again later; a write is looked up first   |
| RateLimited    | 429 or a documented limit              | the account waits `retry_after` seconds                   |
| AuthError      | 401, 403, revoked                      | the account is paused, its owners are told to reconnect   |
| DataError      | one record that they or we cannot use  | that order is flagged, everything else goes on            |
| ContractError  | the answer is not what is documented   | the run stops and is reported to us                       |
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Base of the five. `code` is stable and has a text in `connections.messages`; `detail` is for
    logs and people and never holds a secret; `request_id` is the remote's own, where it gives one."""

    code = "connector.error"

    def __init__(self, detail: str = "", *, code: str = "", request_id: str = "", status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.request_id = request_id
        self.status = status  # HTTP status of the answer, if there was one


class TransientError(ConnectorError):
    """The remote did not answer, or said it cannot now.

    `was_sent` is False only when the request surely never reached the remote (name not resolved,
    connection refused): only then may a write be tried again without looking it up first.
    """

    code = "connector.transient"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str = "",
        request_id: str = "",
        status: int | None = None,
        was_sent: bool = True,
    ) -> None:
        super().__init__(detail, code=code, request_id=request_id, status=status)
        self.was_sent = was_sent


class RateLimited(ConnectorError):
    """Slow down: nothing was executed; come back after `retry_after` seconds."""

    code = "connector.rate_limited"

    def __init__(
        self, detail: str = "", *, retry_after: float, request_id: str = "", status: int | None = None
    ) -> None:
        super().__init__(detail, request_id=request_id, status=status)
        self.retry_after = retry_after


class AuthError(ConnectorError):
    """The credentials are wrong, expired, revoked or not allowed to do this."""

    code = "connector.auth"


class DataError(ConnectorError):
    """One record cannot be used. `field` names the place; `reason` is the API contract's `error_reason`.

    Raised for a write, it means the remote clearly refused and nothing was executed.
    """

    code = "order.unreadable"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str = "",
        field: str = "",
        reason: str = "platform_failure",
        request_id: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(detail, code=code, request_id=request_id, status=status)
        self.field = field
        self.reason = reason


class ContractError(ConnectorError):
    """The answer is not what the remote's documentation says (HTML, broken JSON, a missing envelope).

    On a write it says nothing about whether the remote executed it.
    """

    code = "connector.contract"
