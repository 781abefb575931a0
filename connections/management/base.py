"""Commands about one order connection of one company."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import add_company
from connections.models import OrderConnection


def add_order_connection(parser: CommandParser) -> None:
    add_company(parser)
    parser.add_argument("order_connection", type=int, metavar="ID", help="The order connection's number.")


def order_connection_of(options: Mapping[str, Any]) -> OrderConnection:
    """With both its accounts; inside its company. Raises CommandError if the company has none of that number."""
    rows = OrderConnection.objects.present().select_related("marketplace", "shop")
    found: OrderConnection | None = rows.filter(pk=options["order_connection"]).first()
    if found is None:
        raise CommandError(f"The company has no order connection {options['order_connection']}.")
    return found


def typed(text: str) -> Any:
    """`true`, `null`, numbers and lists as JSON has them; anything else is the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | list | None) else text
