"""Report a return to a marketplace that does not know of returns by itself."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from connections.connectors.types import ReturnVerdict
from orders.management.base import add_order, order_of
from orders.models import OrderItem
from orders.services.events import ReturnReported
from orders.services.handle import NotPossible, report_return


class Command(JsonCommand):
    help = "Tell the marketplace that goods came back, where it is the seller who reports returns."
    expected = (NotPossible,)

    def arguments(self, parser: CommandParser) -> None:
        add_order(parser)
        parser.add_argument("product", metavar="SKU", help="The product that came back.")
        parser.add_argument("--quantity", type=int, default=1)
        parser.add_argument("--verdict", default=ReturnVerdict.ACCEPTED, choices=[*ReturnVerdict])

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            order = order_of(options)
            item = OrderItem.objects.filter(order=order, product_id=options["product"]).order_by("pk").first()
            if item is None:
                raise CommandError(f"The order has no item {options['product']}.")
            verdict = ReturnVerdict(options["verdict"])
            report_return(order, ReturnReported(uuid4().hex, item.pk, options["quantity"], verdict), user=None)
        text = f"{options['quantity']} x {item.product_id} of {order.number} is reported."
        return Done(text, {"order": order.pk})
