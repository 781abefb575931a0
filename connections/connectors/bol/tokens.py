"""Access tokens: OAuth 2.0 client credentials at login.bol.com.

Tokens are valid for about five minutes (`expires_in` 299 was seen) and are shared by all workers,
because bol may block addresses that keep asking for new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..base import Token
from ..errors import AuthError, ContractError, DataError
from ..types import JSON

if TYPE_CHECKING:
    from ..http import HttpClient

LONGEST_LIFE = 86_400  # seconds
REFUSED = (400, 401)  # RFC 6749, 5.2


def request_token(http: HttpClient, login_url: str, client_id: str, client_secret: str) -> Token:
    """A new token. Raises AuthError if the credentials are refused or are not for the Retailer API."""
    asked_at = datetime.now(UTC)
    try:
        response = http.request(
            "POST",
            f"{login_url}/token",
            data={"grant_type": "client_credentials"},
            headers={"Accept": "application/json"},
            auth=(client_id, client_secret),
            is_write=False,
        )
    except (AuthError, DataError) as error:
        if error.status not in REFUSED:  # a wrong address for logging in, a closed door
            raise
        detail = f"bol refused the client id and secret: {error.detail}"
        raise AuthError(detail, status=error.status, request_id=error.request_id) from None
    return _token(response.json(), asked_at)


def _token(answer: JSON, asked_at: datetime) -> Token:
    if not isinstance(answer, Mapping):
        raise ContractError("the token answer is not an object")
    value, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(value, str) or not value:
        raise ContractError("the token answer holds no access_token")
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= LONGEST_LIFE:
        raise ContractError("the token answer holds no usable expires_in")
    scope = str(answer.get("scope") or "RETAILER").upper()
    if "RETAILER" not in scope.split():
        raise AuthError(f"these credentials are for {scope[:60]}, not for the Retailer API")
    return Token(value, asked_at + timedelta(seconds=seconds))
