"""A page of orders into the tables, in a handful of statements and one transaction.

What is new goes in by whole tables; what changed is updated in its remote-owned columns alone and
then decided about by `apply`; what could not be read becomes a visible row and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from channable.core.exact_json import clean, clean_text
from connections.connectors import MarketplaceConnector
from connections.connectors.errors import DataError
from connections.connectors.types import JSON, OrderData
from connections.dispatch import Run
from connections.models import RefusedRecord
from orders.models import Actor, Order
from orders.services.arrivals import New, Origin, insert_new, insert_payloads
from orders.services.events import Cause
from orders.services.update import take_over


@dataclass(frozen=True, slots=True)
class Changed:
    order_id: int
    version: str
    raw: JSON
    data: OrderData


@dataclass(frozen=True, slots=True)
class Refused:
    external_id: str
    version: str
    raw: JSON
    error: DataError


def keep_refused(run: Run, refused: Sequence[Refused]) -> None:
    """Keep what could not be read, where people see it."""
    rows = [
        RefusedRecord(
            company_id=run.connection.company_id,
            connection=run.connection,
            topic=run.stream.topic,
            external_id=clean_text(one.external_id)[:200],
            version=one.version,
            error_code=one.error.code,
            error_detail=clean_text(one.error.detail)[:2000],
            payload=clean(one.raw),
            first_seen_at=run.now,
            last_seen_at=run.now,
        )
        for one in refused
    ]
    RefusedRecord.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["company", "connection", "topic", "external_id"],
        update_fields=["version", "error_code", "error_detail", "payload", "last_seen_at", "resolved_at"],
    )
    run.counts.refused += len(rows)


def resolve_refused(run: Run, readable: Sequence[str]) -> None:
    """What could be read at last is no longer among the unreadable."""
    if readable:
        rows = RefusedRecord.objects.filter(
            connection=run.connection, topic=run.stream.topic, external_id__in=readable, resolved_at=None
        )
        rows.update(resolved_at=run.now)


@dataclass
class Batch:
    """What is to be written of one page."""

    run: Run
    connector: MarketplaceConnector
    new: list[New] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    readable: list[str] = field(default_factory=list)  # numbers that could not be read before

    def write(self, cursor: str | None) -> None:
        """Write everything and the cursor, or nothing. Raises LeaseLost."""
        if not (self.new or self.changed or self.refused or self.readable):
            if cursor is not None:
                self.run.pass_by(cursor)
            return
        with self.run.transaction(cursor):
            self.run.ensure_row()
            made = insert_new(self.run, self.connector, self.new)
            self.run.counts.new += made
            self.run.counts.same += len(self.new) - made  # somebody else was quicker
            for one in self.changed:
                self._update(one)
            keep_refused(self.run, self.refused)
            resolve_refused(self.run, self.readable)

    # -- changed orders -----------------------------------------------------------------------
    def _update(self, one: Changed) -> None:
        """What is older than what we hold changes nothing."""
        data = one.data
        order = Order.objects.select_for_update(of=("self",)).get(pk=one.order_id)
        if order.remote_updated_at and data.remote_updated_at and data.remote_updated_at < order.remote_updated_at:
            self.run.counts.same += 1  # older than what we hold
            return
        if not order.is_obfuscated:
            insert_payloads(Origin.of_run(self.run, self.connector), [(order.pk, one.raw)])
        occurred_at = data.remote_updated_at or self.run.now
        cause = Cause(Actor.MARKETPLACE, occurred_at, self.run.now, run_id=self.run.ensure_row().pk)
        take_over(order, data, version=one.version, suffix=self.connector.fulfilled_suffix, cause=cause)
        self.run.counts.changed += 1
