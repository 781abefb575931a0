"""Begin to sync."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from connections.management.base import add_order_connection, order_connection_of
from connections.services import SetupError, activate


class Command(JsonCommand):
    help = "Activate an order connection: open orders from its start date go to the shop."
    expected = (SetupError,)

    def arguments(self, parser: CommandParser) -> None:
        add_order_connection(parser)

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            pair = order_connection_of(options)
            activate(pair)
        return Done(f"“{pair}” is active.", {"order_connection": pair.pk, "is_active": True})
