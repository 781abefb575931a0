"""Read a stored payload again, after a mapping was put right."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import Done, JsonCommand, add_company, company_of
from channable.tenants.scope import company_scope
from connections.connectors.errors import ConnectorError
from orders.models import OrderPayload
from orders.services.replay import replay


class Command(JsonCommand):
    help = "Parse a payload of a marketplace again and apply what it says to its order."
    expected = (ConnectorError,)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("payload", type=int, metavar="PAYLOAD_ID")
        parser.add_argument("--dry-run", action="store_true", help="Say what differs and write nothing.")

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            payload = OrderPayload.objects.select_related("order__connection").filter(pk=options["payload"]).first()
            if payload is None:
                raise CommandError(f"The company has no payload {options['payload']}.")
            if payload.source != "marketplace":
                raise CommandError("Only payloads of a marketplace can be replayed; the shop is asked again instead.")
            what = replay(payload, dry_run=options["dry_run"])
        facts = {"payload": payload.pk, "order": payload.order_id, "what": what, "dry_run": options["dry_run"]}
        return Done(f"Order {payload.order}: {what}.", facts)
