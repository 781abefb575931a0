"""Which streams an account has, and which of them are polled."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from connections.connectors.base import Account
from connections.connectors.types import StreamSpec
from connections.models import Connection, OrderConnection, Stream, first_run_at


def specs_of(connection: Connection) -> list[StreamSpec]:
    """The streams the connector declares for this account, without a call; none without credentials."""
    if not connection.sealed_credentials:
        return []
    account = Account(connection.unseal("credentials"), None, connection.settings)  # type: ignore[arg-type]
    return list(connection.connector_class(account, None).streams())  # type: ignore[arg-type]


def ensure_streams(connection: Connection) -> None:
    """One row for each declared stream; those no longer declared are not polled any more."""
    specs = specs_of(connection)
    for spec in specs:
        period = _period(spec)
        stream, created = Stream.objects.get_or_create(
            company_id=connection.company_id,
            connection=connection,
            name=spec.name,
            defaults={"topic": spec.topic, "period_seconds": period, "next_run_at": first_run_at(period)},
        )
        if not created and stream.period_seconds != period:
            Stream.objects.filter(pk=stream.pk).update(period_seconds=period)
    Stream.objects.filter(connection=connection).exclude(name__in=[s.name for s in specs]).update(is_active=False)
    refresh_activity(connection)


def _period(spec: StreamSpec) -> int:
    """The system's interval, unless the remote asks for a slower one than the usual 300 s."""
    return spec.period_seconds if spec.period_seconds > 300 else settings.SYNC_INTERVAL_SECONDS


def refresh_activity(connection: Connection) -> None:
    """Poll a stream exactly while an active order connection needs it."""
    pairs = OrderConnection.objects.active().filter(Q(marketplace=connection) | Q(shop=connection))
    types = set(pairs.values_list("fulfilment_type", flat=True))
    for spec in specs_of(connection):
        needed = bool(types) if spec.fulfilment_type is None else spec.fulfilment_type.value in types
        streams = Stream.objects.filter(connection=connection, name=spec.name).exclude(is_active=needed)
        streams.update(is_active=needed, **({"next_run_at": Now()} if needed else {}))


def read_again_from_the_start(connection: Connection) -> None:
    """Back-fill: the next run of the account's order streams reads everything that is open.

    A run that goes on right now loses its lease: its next write would put its own cursor back.
    """
    streams = Stream.objects.filter(connection=connection, topic="orders")
    streams.update(cursor="", next_run_at=Now(), lease_token=None, lease_until=None)
