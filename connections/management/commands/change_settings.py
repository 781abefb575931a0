"""Change settings of an order connection."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, add_settings, company_of, read_settings
from channable.tenants.scope import company_scope
from connections.management.base import add_order_connection, order_connection_of, typed
from connections.services import SetupError, change_settings


class Command(JsonCommand):
    help = "Change settings of an order connection; those that aren't named stay. null sets the default back."
    expected = (SetupError,)

    def arguments(self, parser: CommandParser) -> None:
        add_order_connection(parser)
        add_settings(parser, "A setting of the order connection; true, false, null, numbers and lists as in JSON.")

    def work(self, **options: Any) -> Done:
        given = {name: typed(value) for name, value in read_settings(options["set"]).items()}
        with company_scope(company_of(options).pk):
            pair = order_connection_of(options)
            change_settings(pair, given)
        lines = [f"{name} = {value!r}" for name, value in sorted(pair.settings.items())]
        return Done("\n".join(lines) or "All settings are at their defaults.", {"settings": pair.settings})
