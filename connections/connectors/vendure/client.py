"""Vendure's Admin API: one GraphQL endpoint, a session token, errors in three places."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..base import Account, Token
from ..errors import AuthError, ConnectorError, ContractError, DataError, TransientError
from ..types import JSON
from . import documents
from .mapping import api_address

if TYPE_CHECKING:
    from ..http import HttpClient, Response

# A session lives a year by default and is extended by use; a shop may set less, then it is renewed when refused.
TOKEN_LIFE = timedelta(hours=12)
REFUSALS = {"USER_INPUT_ERROR", "BAD_USER_INPUT", "ENTITY_NOT_FOUND", "ILLEGAL_OPERATION"}
NOT_ALLOWED = {"FORBIDDEN", "UNAUTHORIZED", "CHANNEL_NOT_FOUND"}
NOT_UNDERSTOOD = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}
CODES = {"INSUFFICIENT_STOCK_ERROR": "product.out_of_stock"}


class VendureClient:
    def __init__(self, account: Account, http: HttpClient) -> None:
        self.http = http
        self.tokens = account.tokens
        self.credentials = account.credentials
        self.url = api_address(account.credentials["url"])
        self.channel = account.settings.get("channel_token", "").strip()

    def query(self, document: str, **variables: JSON) -> JSON:
        """The `data` of a query."""
        return self._authorised(document, variables, is_write=False)

    def mutate(self, document: str, *, currency: str = "", **variables: JSON) -> JSON:
        """The result of a mutation's one field. `currency` is that of a new order.

        Raises DataError for an ErrorResult (HTTP 200 with `errorCode`): the shop clearly refused.
        """
        data = self._authorised(document, variables, is_write=True, currency=currency)
        result = next(iter(data.values()), None)
        if not isinstance(result, dict):
            raise ContractError("a mutation without a result")
        raise_refusal(result)
        return result

    def _authorised(self, document: str, variables: JSON, *, is_write: bool, currency: str = "") -> JSON:
        """A refused token was not executed with, so even a write may be sent again with a new one."""
        token = self.tokens.current() or self.tokens.renew(self._login)
        try:
            return self._send(document, variables, token=token, is_write=is_write, currency=currency)
        except AuthError:
            token = self.tokens.renew(self._login, rejected=token.value)
        return self._send(document, variables, token=token, is_write=is_write, currency=currency)

    def _login(self) -> Token:
        names = {"username": self.credentials["username"], "password": self.credentials["password"]}
        response = self._post(documents.LOGIN, names, headers={}, is_write=False)
        result = _data(response).get("login") or {}
        value = response.headers.get("vendure-auth-token", "")
        if result.get("errorCode"):
            raise AuthError(f"{result['errorCode']}: {result.get('message', '')}"[:300])
        if not value:
            raise AuthError("the shop gives no bearer token: set authOptions.tokenMethod to 'bearer' there")
        return Token(value, datetime.now(UTC) + TOKEN_LIFE)

    def _send(self, document: str, variables: JSON, *, token: Token, is_write: bool, currency: str) -> JSON:
        headers = {"Authorization": f"Bearer {token.value}"}
        params = {"currencyCode": currency} if currency else None
        return _data(self._post(document, variables, headers=headers, is_write=is_write, params=params))

    def _post(
        self,
        document: str,
        variables: JSON,
        *,
        headers: Mapping[str, str],
        is_write: bool,
        params: Mapping[str, str] | None = None,
    ) -> Response:
        # 400 is accepted: a document that is not valid for this shop's schema is answered so, with `errors`.
        channel = {"vendure-token": self.channel} if self.channel else {}
        return self.http.request(
            "POST",
            self.url,
            params=params,
            json={"query": document, "variables": variables},
            headers={**headers, **channel},
            is_write=is_write,
            accept=(400,),
        )


def raise_refusal(result: JSON) -> None:
    """Raise DataError if `result` is an ErrorResult."""
    code = result.get("errorCode")
    if code:
        words = result.get("transitionError") or result.get("message") or ""
        raise DataError(f"{code}: {words}"[:300], code=CODES.get(code, "connector.refused"), status=200)


def _data(response: Response) -> JSON:
    """The `data` of an answer. Raises what its first error means (`extensions.code`)."""
    body = response.json()
    if not isinstance(body, dict):
        raise ContractError("the answer is not a GraphQL answer", status=response.status)
    if body.get("errors"):
        raise _error(body["errors"], response.status)
    if not isinstance(body.get("data"), dict):
        raise ContractError("the answer holds no data", status=response.status)
    return body["data"]


def _error(errors: JSON, status: int) -> ConnectorError:
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    extensions = first.get("extensions")
    code = str(extensions.get("code", "")) if isinstance(extensions, dict) else ""
    detail = f"{code}: {first.get('message', '')}"[:300]
    if code in NOT_ALLOWED:
        return AuthError(detail, status=status)
    if code in REFUSALS:
        return DataError(detail, code="connector.refused", status=status)
    if code in NOT_UNDERSTOOD:
        return ContractError(detail, status=status)
    return TransientError(detail, status=status)
