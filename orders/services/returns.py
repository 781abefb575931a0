"""Returns come in: what the marketplace lists, and what we hold as open and it lists no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from channable.core.exact_json import clean_text
from connections.connectors import MarketplaceConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import JSON, Record, ReturnData
from connections.dispatch import Run
from orders.models import Actor, Order, Return
from orders.models.returns import OPEN_RETURNS
from orders.services.apply import apply
from orders.services.events import Cause, ReturnGone, ReturnNews
from orders.services.ingest import Refused, keep_refused, resolve_refused
from orders.versions import version_of

log = structlog.get_logger(__name__)

MOST_ASKED_FOR = 20  # in one run; those that were asked for longest ago come first


@dataclass
class Read:
    """What one page said."""

    lines: list[tuple[str, ReturnData]] = field(default_factory=list)  # the record's version, the line
    refused: list[Refused] = field(default_factory=list)
    readable: list[str] = field(default_factory=list)


def pull_returns(run: Run) -> None:
    """The handler of the topic "returns"."""
    seen: set[str] = set()
    for page in run.connector.fetch(run.stream.name, run.stream.cursor):
        seen |= {record.external_id for record in page.records}
        _page(run, page.records, page.cursor)
        if run.is_out_of_time:
            run.has_more = True
            return
    spec = next((one for one in run.connector.streams() if one.name == run.stream.name), None)
    if spec is not None and spec.lists_open_only:
        _ask_for_missing(run, seen)


def _page(run: Run, records: Sequence[Record], cursor: str) -> None:
    """As for orders: where the marketplace fails in the middle, what was read is kept and the cursor stays."""
    read = Read()
    try:
        for record, version in _candidates(run, records):
            run.keep()
            _read(run, record, version, read)
    except ConnectorError:
        _write(run, read, None)
        raise
    _write(run, read, cursor)


def _candidates(run: Run, records: Sequence[Record]) -> list[tuple[Record, str]]:
    """Returns that are new or changed."""
    unique = {record.external_id: (record, version_of(record)) for record in records}
    with run.inside():
        rows = Return.objects.filter(connection=run.connection, return_id__in=[clean_text(one) for one in unique])
        known = dict(rows.values_list("return_id", "remote_version"))
    found = [(record, version) for number, (record, version) in unique.items() if known.get(number) != version]
    run.counts.same += len(unique) - len(found)
    return found


def _read(run: Run, record: Record, version: str, read: Read) -> None:
    connector: MarketplaceConnector = run.connector  # type: ignore[assignment]
    raw = record.raw
    try:
        if raw is None:
            raw = connector.fetch_one(run.stream.name, record.external_id)
        read.lines += [(version, line) for line in _parse(connector, raw)]
    except DataError as error:
        code = "return.unreadable" if error.code == DataError.code else error.code
        told = DataError(error.detail, code=code, field=error.field)
        read.refused.append(Refused(record.external_id, version, raw, told))
        return
    read.readable.append(clean_text(record.external_id))


def _parse(connector: MarketplaceConnector, raw: JSON) -> Sequence[ReturnData]:
    try:
        lines = connector.parse_returns(raw)
    except ConnectorError:
        raise
    except Exception as error:
        # Whatever a marketplace sends, one record must not stop the others.
        log.exception("return could not be parsed")
        raise DataError(f"unexpected form ({type(error).__name__})", code="return.unreadable") from error
    for line in lines:
        if not line.external_id or not line.order_ref or not 0 < line.quantity < 10**6:
            raise DataError("A line of the return has no number, order or quantity.", code="return.unreadable")
    return lines


def _write(run: Run, read: Read, cursor: str | None) -> None:
    if not (read.lines or read.refused):
        if cursor is not None:
            run.pass_by(cursor)
        return
    with run.transaction(cursor):
        orders = _orders_of(run, [line for _version, line in read.lines])
        for version, line in read.lines:
            _apply(run, orders.get(line.order_ref), line, version)
        if read.refused:
            run.ensure_row()
            keep_refused(run, read.refused)
        resolve_refused(run, read.readable)


def _orders_of(run: Run, lines: Sequence[ReturnData]) -> dict[str, int]:
    """Ids of our orders by the marketplace's numbers. A return of an order that never came here is none of ours."""
    numbers = {clean_text(line.order_ref) for line in lines}
    rows = Order.objects.filter(connection=run.connection, external_id__in=numbers, order_connection__isnull=False)
    pairs = rows.select_related("order_connection")
    return {one.external_id: one.pk for one in pairs if one.order_connection.options.handles_returns}


def _apply(run: Run, order_id: int | None, line: ReturnData, version: str) -> None:
    if order_id is None:
        run.counts.passed_over += 1
        return
    is_known = Return.objects.filter(connection=run.connection, external_id=line.external_id[:200]).exists()
    cause = Cause(Actor.MARKETPLACE, line.registered_at, run.now, run_id=run.ensure_row().pk)
    apply(order_id, ReturnNews(line, version), cause)
    if is_known:
        run.counts.changed += 1
    else:
        run.counts.new += 1


def _ask_for_missing(run: Run, seen: set[str]) -> None:
    """Settled in the seller account, or gone: the list of open ones no longer says."""
    with run.inside():
        held = Return.objects.filter(connection=run.connection, status__in=OPEN_RETURNS, is_test=False)
        held = held.exclude(return_id="").exclude(order__fulfilment_type="marketplace")
        rows = list(held.order_by("checked_at", "id").values_list("pk", "order_id", "return_id")[: 10 * MOST_ASKED_FOR])
    missing: dict[str, list[tuple[int, int]]] = {}
    for pk, order_id, return_id in rows:
        if return_id not in seen:
            missing.setdefault(return_id, []).append((pk, order_id))
    for return_id, lines in list(missing.items())[:MOST_ASKED_FOR]:
        run.keep()
        _ask_for(run, return_id, lines)


def _ask_for(run: Run, return_id: str, lines: list[tuple[int, int]]) -> None:
    read = Read()
    try:
        raw = run.connector.fetch_one(run.stream.name, return_id)
        is_gone = False
    except DataError as error:
        if error.code != "order.gone":
            raise
        raw, is_gone = None, True
    if not is_gone:
        record = Record(return_id, raw=raw)
        _read(run, record, version_of(record), read)
        _write(run, read, None)
    with run.transaction():
        Return.objects.filter(pk__in=[pk for pk, _order_id in lines]).update(checked_at=run.now)
        for pk, order_id in lines if is_gone else []:
            cause = Cause(Actor.MARKETPLACE, run.now, run.now, run_id=run.ensure_row().pk)
            apply(order_id, ReturnGone(pk), cause)
