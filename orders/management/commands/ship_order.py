"""Tell a marketplace that an order was shipped."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from orders.management.base import add_items, add_order, order_of, pieces_of
from orders.services.events import ShippedByHand
from orders.services.handle import NotPossible, ship


class Command(JsonCommand):
    help = "Confirm a shipment of an order, or of a part of it, to its marketplace."
    expected = (NotPossible,)

    def arguments(self, parser: CommandParser) -> None:
        add_order(parser)
        add_items(parser)
        parser.add_argument("--code", default="", help="The tracking code.")
        parser.add_argument("--transporter", default="", help="A unified code (POSTNL), or a name.")
        parser.add_argument("--return-code", default="", help="The code of the return label.")
        parser.add_argument("--delivery-note", default="", help="The number of the delivery note.")

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            order = order_of(options)
            shipment = ShippedByHand(
                once=uuid4().hex,
                pieces=pieces_of(order, options["item"]),
                tracking_code=options["code"],
                transporter=options["transporter"],
                return_tracking_code=options["return_code"],
                delivery_bill_id=options["delivery_note"],
            )
            ship(order, shipment, user=None)
            order.refresh_from_db()
        return Done(f"{order.number} is {order.status} now.", {"order": order.pk, "status": order.status})
