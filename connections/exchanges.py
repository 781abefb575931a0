"""Keeping the calls that wrote something or failed, masked, for the order's timeline."""

from __future__ import annotations

from channable.core.exact_json import clean_text
from connections.connectors.http import Exchange as Call
from connections.models import Connection, Exchange


class Recorder:
    """Collects a run's calls; `save` stores them in the transaction of whoever settles the run."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, call: Call) -> None:
        self.calls.append(call)

    def save(self, connection: Connection, *, message_id: int | None = None) -> None:
        calls, self.calls = self.calls, []
        if not calls:
            return  # as in most runs
        Exchange.objects.bulk_create(
            Exchange(
                company_id=connection.company_id,
                connection_id=connection.pk,
                message_id=message_id,
                started_at=call.started_at,
                duration_ms=call.duration_ms,
                method=call.method,
                url=clean_text(call.url),
                status=call.status,
                request_id=clean_text(call.request_id)[:200],
                request_body=clean_text(call.request_body),
                response_body=clean_text(call.response_body),
                error=clean_text(call.error),
            )
            for call in calls
        )
