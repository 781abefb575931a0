"""Send a test order to the shop of an order connection."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from connections.connectors.errors import DataError
from connections.management.base import add_order_connection, order_connection_of
from orders.services.sample_orders import PLACES, Wanted, send_test_order


class Command(JsonCommand):
    help = "Make a test order, marked as such in the shop; the marketplace never hears of it."
    expected = (DataError,)

    def arguments(self, parser: CommandParser) -> None:
        add_order_connection(parser)
        parser.add_argument("product", metavar="PRODUCT", help="A product id (SKU) that the shop has.")
        parser.add_argument("--quantity", type=int, default=1)
        parser.add_argument("--price", type=Decimal, default=Decimal("9.99"), help="A piece, in EUR, VAT included.")
        parser.add_argument("--country", default="NL", choices=sorted(PLACES))

    def work(self, **options: Any) -> Done:
        wanted = Wanted(options["product"], options["quantity"], options["price"], options["country"])
        with company_scope(company_of(options).pk):
            order = send_test_order(order_connection_of(options), wanted)
        return Done(f"{order.number} goes to the shop.", {"order": order.pk, "number": order.number})
