"""Say which product of a shop is meant by a marketplace's product id."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import Done, JsonCommand, add_company, company_of
from channable.tenants.scope import company_scope
from connections.models import Connection
from orders.services.handle import NotPossible, link_product


class Command(JsonCommand):
    help = "Link a product of the marketplaces to one of a shop, and resend the orders that wait for it."
    expected = (NotPossible,)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("--shop", type=int, required=True, metavar="ID", help="The shop's connection.")
        parser.add_argument("product", metavar="PRODUCT", help="The product's id at the marketplace (SKU).")
        parser.add_argument("shop_product", metavar="SHOP_PRODUCT", help="Its SKU in the shop.")

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            shop = Connection.objects.present().filter(pk=options["shop"]).first()
            if shop is None or shop.is_marketplace:
                raise CommandError(f"The company has no shop {options['shop']}.")
            count = link_product(shop, options["product"], options["shop_product"], user=None)
        return Done(f"Linked; {count} orders are sent anew.", {"shop": shop.pk, "orders": count})
