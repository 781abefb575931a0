"""A marketplace's records into orders: which are new or changed, read and parsed one by one.

Fetching and parsing happen outside of any transaction; `ingest.py` writes what comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import structlog
from django.db import connection as database

from channable.core.exact_json import clean_text
from connections.connectors import MarketplaceConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import JSON, OrderData, Record
from connections.dispatch import Run
from connections.models import OrderConnection
from connections.waits import scaled
from orders.services.arrivals import New
from orders.services.checks import refuse_unusable
from orders.services.ingest import Batch, Changed, Refused
from orders.versions import version_of

log = structlog.get_logger(__name__)

ASK_AGAIN = timedelta(seconds=scaled(900))  # a record that could not be read is not asked for sooner

# Asked for every page; the ORM takes longer to put them together than PostgreSQL to answer.
KNOWN = """
SELECT external_id, id, remote_version FROM orders_order
WHERE company_id = %s AND connection_id = %s AND external_id = ANY(%s)
"""
UNREADABLE = """
SELECT external_id, topic, version, last_seen_at FROM connections_refusedrecord
WHERE company_id = %s AND connection_id = %s AND external_id = ANY(%s) AND resolved_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that is new or changed; `order_id` of the order we hold, None if it is new."""

    record: Record
    version: str
    order_id: int | None


class Intake:
    """The orders of one account during one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.account = run.connection
        self.pairs: Sequence[OrderConnection] | None = None
        self.unreadable: set[str] = set()  # numbers of this page that could not be read before

    @cached_property
    def connector(self) -> MarketplaceConnector:
        return self.run.connector  # type: ignore[return-value]

    def page(self, records: Sequence[Record], cursor: str) -> None:
        """Take in one page and move the cursor with it.

        Where the remote fails in the middle, what was read so far is kept, the cursor stays and the
        error goes on. Raises LeaseLost, ConnectorError.
        """
        batch = Batch(self.run, self.connector)
        try:
            for candidate in self._candidates(records):
                self.run.keep()
                self._read(candidate, batch)
        except ConnectorError:
            batch.write(None)
            raise
        batch.write(cursor)

    def _candidates(self, records: Sequence[Record]) -> list[Candidate]:
        """The records of a page that are new or changed, each once."""
        unique = {record.external_id: record for record in records}
        with self.run.inside():
            known = {number: (pk, version) for number, pk, version in self._rows(KNOWN, unique)}
            found = []
            for number, record in unique.items():
                order_id, known_version = known.get(number, (None, None))
                version = version_of(record)
                if version != known_version:
                    found.append(Candidate(record, version, order_id))
            unreadable = self._rows(UNREADABLE, [one.record.external_id for one in found]) if found else []
            if found and self.pairs is None:
                self.pairs = list(OrderConnection.objects.active().filter(marketplace=self.account).order_by("id"))
        self.unreadable = {number for number, *_rest in unreadable}
        refused = self._refused_lately(unreadable)
        found = [one for one in found if refused.get(one.record.external_id) != one.version]
        self.run.counts.same += len(unique) - len(found)
        return found

    def _rows(self, query: str, numbers: Iterable[str]) -> list[tuple[Any, ...]]:
        with database.cursor() as cursor:
            storable = [clean_text(number) for number in numbers]
            cursor.execute(query, [self.account.company_id, self.account.pk, storable])
            return list(cursor.fetchall())

    def _refused_lately(self, unreadable: Iterable[tuple[Any, ...]]) -> dict[str, str]:
        """The versions that could not be read a short while ago, by number."""
        since, topic = self.run.now - ASK_AGAIN, self.run.stream.topic
        return {number: version for number, of, version, seen_at in unreadable if of == topic and seen_at > since}

    def _read(self, one: Candidate, batch: Batch) -> None:
        """Fetch and parse one record. Only errors of the record itself are caught."""
        record = one.record
        if one.order_id is None and self._is_too_old(record):
            self.run.counts.passed_over += 1
            return
        raw = record.raw
        try:
            if raw is None:
                raw = self.connector.fetch_one(self.run.stream.name, record.external_id)
            data = self._parse(raw)
        except DataError as error:
            batch.refused.append(Refused(record.external_id, one.version, raw, error))
            return
        if clean_text(record.external_id) in self.unreadable:
            batch.readable.append(clean_text(record.external_id))
        if one.order_id is not None:
            batch.changed.append(Changed(one.order_id, one.version, raw, data))
        elif pair := self._pair_for(data):
            batch.new.append(New(one.version, raw, data, pair))
        else:
            self.run.counts.passed_over += 1

    def _parse(self, raw: JSON) -> OrderData:
        try:
            data = self.connector.parse_order(raw)
        except ConnectorError:
            raise
        except Exception as error:
            # Whatever a marketplace sends, one record must not stop the others.
            log.exception("order could not be parsed", connection=self.account.pk)
            raise DataError(f"unexpected form ({type(error).__name__})") from error
        refuse_unusable(data)
        return data

    def _is_too_old(self, record: Record) -> bool:
        """From before every start date, so it needn't even be asked for."""
        ordered_at = record.ordered_at
        return ordered_at is not None and not any(ordered_at >= pair.start_at for pair in self.pairs or ())

    def _pair_for(self, data: OrderData) -> OrderConnection | None:
        for pair in self.pairs or ():
            if pair.takes(data.channel, data.fulfilment_type.value) and data.ordered_at >= pair.start_at:
                return pair
        return None
