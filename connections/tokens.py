"""Access tokens of an account, shared by all workers through the account's row."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection as database

from channable.core.clock import utcnow
from channable.core.keyring import SealBroken
from channable.tenants.scope import company_scope
from connections.connectors.base import Token
from connections.connectors.errors import TransientError
from connections.models import Connection
from connections.waits import scaled

GOOD_FOR = timedelta(seconds=60)
LEASE_SECONDS = scaled(30)
LOOK_SECONDS = scaled(0.5)  # between two looks whether another worker has it


class SharedTokens:
    """The TokenStore of one connection. A short lease on its row, never a lock held during the
    call, keeps two workers from renewing at once."""

    def __init__(self, connection: Connection) -> None:
        self._company_id = connection.company_id
        self._pk = connection.pk

    def current(self) -> Token | None:
        return self._read()

    def renew(self, request: Callable[[], Token], *, rejected: str = "") -> Token:
        """Raises TransientError when another worker has been renewing for too long."""
        for _attempt in range(60):
            if token := self._good(rejected):
                return token
            if self._lease():
                # Somebody may have renewed it between our look and our lease.
                if token := self._good(rejected):
                    self._release()
                    return token
                return self._request(request)
            time.sleep(LOOK_SECONDS)  # another worker is asking for one right now
        raise TransientError("another worker is still renewing the token", was_sent=False)

    def _good(self, rejected: str) -> Token | None:
        token = self._read()
        return token if token is not None and token.value != rejected else None

    def _request(self, request: Callable[[], Token]) -> Token:
        try:
            token = request()
        except BaseException:
            self._release()
            raise
        self._store(token)
        return token

    def _read(self) -> Token | None:
        with company_scope(self._company_id):
            row = Connection.objects.get(pk=self._pk)
            try:
                stored = row.unseal("token")
            except SealBroken:
                return None  # its key is gone: a new one is asked for
        if not stored:
            return None
        token = Token(stored["value"], datetime.fromisoformat(stored["expires_at"]))
        return token if token.expires_at - utcnow() > GOOD_FOR else None

    def _lease(self) -> bool:
        with company_scope(self._company_id), database.cursor() as cursor:
            cursor.execute(
                "UPDATE connections_connection SET token_lease_until = now() + make_interval(secs => %s) "
                "WHERE company_id = %s AND id = %s AND (token_lease_until IS NULL OR token_lease_until < now())",
                [LEASE_SECONDS, self._company_id, self._pk],
            )
            return bool(cursor.rowcount == 1)

    def _store(self, token: Token) -> None:
        with company_scope(self._company_id):
            row = Connection.objects.select_for_update().get(pk=self._pk)
            row.sealed_token = row.seal("token", {"value": token.value, "expires_at": token.expires_at.isoformat()})
            row.token_lease_until = None
            row.save(update_fields=["sealed_token", "token_lease_until"])

    def _release(self) -> None:
        with company_scope(self._company_id):
            Connection.objects.filter(pk=self._pk).update(token_lease_until=None)
