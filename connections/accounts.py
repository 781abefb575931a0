"""From a connection's row to a connector that can talk, and from credentials to a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from django.conf import settings
from django.db.models.functions import Now

from channable.core.clock import utcnow
from channable.core.keyring import SealBroken
from channable.tenants.models import Company
from channable.tenants.scope import company_scope
from connections.connectors import CONNECTORS, Connector, MarketplaceConnector, PlatformConnector
from connections.connectors.base import Account, Token
from connections.connectors.errors import TransientError
from connections.connectors.http import Exchange, HttpClient
from connections.connectors.types import AccountInfo
from connections.models import Connection, ConnectionState
from connections.streams import ensure_streams
from connections.tokens import SharedTokens


class UnknownKind(Exception):
    """There is no connector of that name."""


class MissingField(Exception):
    """A required credential or setting was not given; names it."""


def connector_for(
    connection: Connection,
    *,
    record: Callable[[Exchange], None] | None = None,
    time_left: Callable[[], float] | None = None,
) -> Connector:
    """A connector for this account. Raises TransientError if its credentials cannot be opened: nothing is wrong
    with the account, and all goes on by itself once the key is back."""
    try:
        credentials = connection.unseal("credentials")
    except SealBroken as error:
        raise TransientError(str(error), code="connector.credentials_unreadable", was_sent=False) from error
    account = Account(credentials, SharedTokens(connection), connection.settings)
    return connection.connector_class(account, _client(credentials, record, time_left))


def marketplace_for(connection: Connection, **kwargs: object) -> MarketplaceConnector:
    return cast(MarketplaceConnector, connector_for(connection, **kwargs))  # type: ignore[arg-type]


def platform_for(connection: Connection, **kwargs: object) -> PlatformConnector:
    return cast(PlatformConnector, connector_for(connection, **kwargs))  # type: ignore[arg-type]


def _client(
    credentials: Mapping[str, str],
    record: Callable[[Exchange], None] | None = None,
    time_left: Callable[[], float] | None = None,
) -> HttpClient:
    return HttpClient(
        allow_private=settings.ALLOW_PRIVATE_ADDRESSES,
        record=record,
        time_left=time_left,
        secrets=[value for value in credentials.values() if len(value) >= 6],
    )


class _PrivateTokens:
    """A token store for a test of credentials that aren't stored yet."""

    def __init__(self) -> None:
        self._token: Token | None = None

    def current(self) -> Token | None:
        token = self._token
        return token if token and token.expires_at > utcnow() else None

    def renew(self, request: Callable[[], Token], *, rejected: str = "") -> Token:
        self._token = request()
        return self._token


def test_account(kind: str, credentials: Mapping[str, str], options: Mapping[str, str]) -> AccountInfo:
    """Ask the remote who these credentials belong to. Raises ConnectorError, UnknownKind, MissingField."""
    connector_class = CONNECTORS.get(kind)
    if connector_class is None:
        raise UnknownKind(f"There is no system called {kind!r}; known are {', '.join(sorted(CONNECTORS))}.")
    given = {**credentials, **options}
    for field in [*connector_class.credential_fields, *connector_class.setting_fields]:
        if field.is_required and not given.get(field.name) and not field.default:
            raise MissingField(f"{field.label} ({field.name}) is missing.")
    account = Account(credentials, _PrivateTokens(), options)
    return connector_class(account, _client(credentials)).check()


def connect_account(
    *, company: Company, kind: str, label: str, credentials: Mapping[str, str], options: Mapping[str, str] | None = None
) -> tuple[Connection, AccountInfo]:
    """Test the credentials, then store them; the same account again renews its row.

    Makes the outside call before any transaction. Renewing wakes whatever waited for the account.
    Raises ConnectorError when the remote refuses, UnknownKind, MissingField.
    """
    options = options or {}
    info = test_account(kind, credentials, options)
    with company_scope(company.pk):
        connection, _created = Connection.objects.select_for_update().get_or_create(
            company=company, kind=kind, account_id=info.account_id, defaults={"label": label}
        )
        connection.label = label
        connection.account_name = info.name
        connection.settings = dict(options)
        connection.sealed_credentials = connection.seal("credentials", credentials)
        connection.sealed_token = ""
        _wake(connection)
        connection.save()
        connection.refresh_from_db(fields=["not_before"])
        ensure_streams(connection)
    return connection, info


def _wake(connection: Connection) -> None:
    connection.state = ConnectionState.WORKING
    connection.failures = 0
    connection.not_before = Now()  # on the database's clock
    connection.error_code = connection.error_detail = ""
    connection.error_since = None
    connection.deleted_at = None
