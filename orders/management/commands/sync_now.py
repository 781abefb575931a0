"""Sync an order connection now, or only look what a sync would do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from connections.connectors.errors import ConnectorError
from connections.management.base import add_order_connection, order_connection_of
from connections.models import OrderConnection
from connections.services import SetupError, sync_now
from orders.services.pull import preview


class Command(JsonCommand):
    help = "Make both accounts of an order connection due at once; the workers do the rest."
    expected = (SetupError, ConnectorError)

    def arguments(self, parser: CommandParser) -> None:
        add_order_connection(parser)
        parser.add_argument("--dry-run", action="store_true", help="Read the marketplace and store nothing.")

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            pair = order_connection_of(options)
            count = 0 if options["dry_run"] else sync_now(pair)
        if options["dry_run"]:
            return looked(pair)
        hint = "" if count else " Nothing is polled: is it active?"
        return Done(f"{count} streams are due now.{hint}", {"order_connection": pair.pk, "streams": count})


def looked(pair: OrderConnection) -> Done:
    """Outside any transaction: the marketplace is asked."""
    lines = list(preview(pair))
    text = [f"{line.external_id}  {line.status or '-'}  {line.what}" for line in lines]
    text.append(f"{len(lines)} orders seen; nothing was stored.")
    return Done("\n".join(text), {"order_connection": pair.pk, "orders": [asdict(line) for line in lines]})
