"""News of the shop: completed, shipped, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from connections.connectors import PlatformConnector
from connections.connectors.errors import ConnectorError, DataError
from connections.connectors.types import JSON, OrderUpdate, Record
from connections.dispatch import Run
from orders.models import Actor, Order
from orders.services.apply import apply
from orders.services.events import Cause, Failed, ShopNews
from orders.versions import version_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """What a shop's record says of one of our orders: an update, or why it can't be read."""

    order_id: int
    version: str
    content: OrderUpdate | DataError


def track_updates(run: Run) -> None:
    """The handler of the topic "updates". A shop's orders that we did not create are dropped before
    anything is stored."""
    for page in run.connector.fetch(run.stream.name, run.stream.cursor):
        _page(run, page.records, page.cursor)
        if run.is_out_of_time:
            run.has_more = True
            return


def _page(run: Run, records: Sequence[Record], cursor: str) -> None:
    """As for orders: where the shop fails in the middle, what was read is kept and the cursor stays."""
    news: list[News] = []
    try:
        for order_id, record, version in _candidates(run, records):
            run.keep()
            news.append(_read(run, order_id, record, version))
    except ConnectorError:
        _write(run, news, None)
        raise
    _write(run, news, cursor)


def _candidates(run: Run, records: Sequence[Record]) -> list[tuple[int, Record, str]]:
    """Records of our orders that changed since we saw them."""
    unique = {record.external_id: record for record in records}
    with run.inside():
        rows = Order.objects.filter(shop=run.connection, shop_order_id__in=list(unique))
        known = {
            number: (pk, version) for number, pk, version in rows.values_list("shop_order_id", "pk", "shop_version")
        }
    found = []
    for number, record in unique.items():
        if number not in known:
            run.counts.passed_over += 1
            continue
        order_id, version = known[number][0], version_of(record)
        if version == known[number][1]:
            run.counts.same += 1
        else:
            found.append((order_id, record, version))
    return found


def _read(run: Run, order_id: int, record: Record, version: str) -> News:
    connector: PlatformConnector = run.connector  # type: ignore[assignment]
    try:
        raw = record.raw if record.raw is not None else connector.fetch_one(run.stream.name, record.external_id)
        return News(order_id, version, _parse(connector, raw))
    except DataError as error:
        return News(order_id, version, error)


def _parse(connector: PlatformConnector, raw: JSON) -> OrderUpdate:
    try:
        return connector.parse_update(raw)
    except ConnectorError:
        raise
    except Exception as error:
        # Whatever a shop sends, one record must not stop the others.
        log.exception("shop order could not be parsed")
        raise DataError(f"unexpected form ({type(error).__name__})", code="shop.unreadable") from error


def _write(run: Run, news: list[News], cursor: str | None) -> None:
    if not news:
        if cursor is not None:
            run.pass_by(cursor)
        return
    with run.transaction(cursor):
        for one in news:
            _apply(run, one)


def _apply(run: Run, news: News) -> None:
    run_id = run.ensure_row().pk
    if isinstance(news.content, OrderUpdate):
        cause = Cause(Actor.SHOP, news.content.updated_at, run.now, run_id=run_id)
        apply(news.order_id, ShopNews(news.content, news.version), cause)
        run.counts.changed += 1
        return
    run.counts.refused += 1
    Order.objects.filter(pk=news.order_id).update(shop_version=news.version)  # told once, not at every poll
    code = news.content.code if news.content.code == "order.gone" else "shop.unreadable"
    apply(news.order_id, Failed(code, news.content.detail), Cause(Actor.SHOP, run.now, run.now, run_id=run_id))
