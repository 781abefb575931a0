"""Compare a company's orders with its marketplaces and shops."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import Done, JsonCommand, add_company, company_of
from channable.tenants.scope import company_scope
from connections.connectors.errors import ConnectorError
from connections.messages import message_for
from connections.models import OrderConnection
from orders.models import Finding
from orders.services.reconcile import DAYS, CannotCompare, reconcile


class Command(JsonCommand):
    help = "Compare the orders of the last days with the marketplace and the shop; say what differs and what to do."
    expected = (CannotCompare, ConnectorError)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("--order-connection", type=int, metavar="ID", help="Only this one.")
        parser.add_argument("--days", type=int, default=DAYS, help="How far to look back.")

    def work(self, **options: Any) -> Done:
        company = company_of(options)
        with company_scope(company.pk):
            pairs = OrderConnection.objects.active().select_related("marketplace", "shop").order_by("pk")
            if options["order_connection"]:
                pairs = pairs.filter(pk=options["order_connection"])
            wanted = list(pairs)
        if not wanted:
            raise CommandError("The company has no such active order connection.")
        lines: list[str] = []
        facts: list[dict[str, Any]] = []
        for pair in wanted:
            comparison = reconcile(pair, days=options["days"])
            with company_scope(company.pk):
                rows = list(Finding.objects.open().filter(order_connection=pair).order_by("code", "external_id"))
            lines.append(f"{pair.name}: {comparison.compared} orders compared, {len(rows)} differences")
            lines += [_line(row) for row in rows]
            facts += [
                {"order_connection": pair.pk, "code": row.code, "order": row.external_id, "detail": row.detail}
                for row in rows
            ]
        return Done("\n".join(lines), {"findings": facts})


def _line(row: Finding) -> str:
    message = message_for(row.code)
    return f"  {row.external_id}: {message.title}. {row.detail} {message.remedy}"
