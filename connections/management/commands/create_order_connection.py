"""Pair a marketplace account with a shop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core.management.base import CommandError, CommandParser
from django.db.models import Model
from django.utils.dateparse import parse_date, parse_datetime

from channable.tenants.management.base import Done, JsonCommand, add_company, add_settings, company_of, read_settings
from channable.tenants.models import Project
from channable.tenants.scope import company_scope
from connections.connectors.types import FulfilmentType
from connections.management.base import typed
from connections.models import Connection
from connections.services import SetupError, create_order_connection

Row = TypeVar("Row", bound=Model)


class Command(JsonCommand):
    help = "Pair a marketplace account with a shop in a project. It is not active yet: see `activate`."
    expected = (SetupError,)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("--project", type=int, required=True, metavar="ID")
        parser.add_argument("--marketplace", type=int, required=True, metavar="ID", help="A connection's number.")
        parser.add_argument("--shop", type=int, required=True, metavar="ID", help="A connection's number.")
        parser.add_argument("--name", default="", help="“<marketplace> → <shop>” if left out.")
        parser.add_argument("--channel", default="", help="A country or channel of the account; all if left out.")
        kinds = [fulfilment.value for fulfilment in FulfilmentType]
        parser.add_argument("--fulfilment", default=FulfilmentType.MERCHANT.value, choices=kinds)
        parser.add_argument(
            "--start-at", type=moment, metavar="TIME", help="Older orders are left alone; now if left out."
        )
        add_settings(parser, "A setting of the order connection; true, false, numbers and lists as in JSON.")

    def work(self, **options: Any) -> Done:
        company = company_of(options)
        settings = {name: typed(value) for name, value in read_settings(options["set"]).items()}
        with company_scope(company.pk):
            project = _row(Project, options["project"], "project")
            marketplace = _row(Connection, options["marketplace"], "connection")
            shop = _row(Connection, options["shop"], "connection")
            made = create_order_connection(
                company=company,
                project=project,
                name=options["name"] or f"{marketplace.label} → {shop.label}"[:200],
                marketplace=marketplace,
                shop=shop,
                channel=options["channel"],
                fulfilment_type=options["fulfilment"],
                start_at=options["start_at"],
                settings=settings,
            )
        facts = {"order_connection": made.pk, "name": made.name, "start_at": made.start_at.isoformat()}
        return Done(f"Order connection {made.pk} “{made.name}”, not active yet.", facts)


def moment(text: str) -> datetime:
    """ISO 8601; without an offset in UTC; a date alone is its midnight. Raises ValueError."""
    day = parse_date(text)
    found = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(text)
    if found is None:
        raise ValueError(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _row(model: type[Row], pk: int, what: str) -> Row:
    found = model._default_manager.filter(pk=pk).first()
    if found is None:
        raise CommandError(f"The company has no {what} {pk}.")
    return found
