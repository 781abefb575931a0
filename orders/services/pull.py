"""Orders come in: one read of a marketplace account serves all of its order connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from channable.tenants.scope import company_scope
from connections.accounts import marketplace_for
from connections.connectors.errors import DataError
from connections.connectors.types import Record
from connections.dispatch import Run
from connections.models import OrderConnection, Stream
from orders.models import Order
from orders.services.checks import refuse_unusable
from orders.services.intake import Intake
from orders.services.orphans import adopt_orphans
from orders.versions import version_of


def pull_orders(run: Run) -> None:
    """The handler of the topic "orders": read what changed since the cursor, page by page."""
    if not run.stream.cursor:
        with run.transaction():
            adopt_orphans(run.connection, now=run.now)
    intake = Intake(run)
    for page in run.connector.fetch(run.stream.name, run.stream.cursor):
        intake.page(page.records, page.cursor)
        if run.is_out_of_time:
            run.has_more = True
            return


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """What a sync would do with one order of the marketplace."""

    external_id: str
    status: str  # as the marketplace says; "" if it could not be read
    what: str  # "new", "changed", "same", "not ours", or why it can't be read


def preview(order_connection: OrderConnection) -> Iterator[PreviewLine]:
    """Read the marketplace as a sync would, and store nothing. Raises ConnectorError."""
    account = order_connection.marketplace
    with company_scope(account.company_id):
        streams = list(Stream.objects.filter(connection=account, topic="orders").order_by("name"))
    connector = marketplace_for(account)
    for stream in streams:
        for page in connector.fetch(stream.name, stream.cursor):
            with company_scope(account.company_id):
                numbers = [record.external_id for record in page.records]
                rows = Order.objects.filter(connection=account, external_id__in=numbers)
                known = dict(rows.values_list("external_id", "remote_version"))
            for record in page.records:
                if known.get(record.external_id) == version_of(record):
                    yield PreviewLine(record.external_id, "", "same")
                else:
                    yield _line(order_connection, stream.name, record, is_known=record.external_id in known)


def _line(pair: OrderConnection, stream: str, record: Record, *, is_known: bool) -> PreviewLine:
    connector = marketplace_for(pair.marketplace)
    try:
        raw = record.raw if record.raw is not None else connector.fetch_one(stream, record.external_id)
        data = connector.parse_order(raw)
        refuse_unusable(data)
    except DataError as error:
        return PreviewLine(record.external_id, "", error.detail)
    is_ours = pair.takes(data.channel, data.fulfilment_type.value) and data.ordered_at >= pair.start_at
    what = "changed" if is_known else "new" if is_ours else "not ours"
    return PreviewLine(record.external_id, data.remote_status.value, what)
