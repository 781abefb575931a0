"""Cancel an order at its marketplace."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from connections.connectors.types import CancellationReason
from orders.management.base import add_items, add_order, order_of, pieces_of
from orders.services.events import CancelledByHand
from orders.services.handle import NotPossible, cancel


class Command(JsonCommand):
    help = "Cancel an order, or a part of it, at its marketplace as the seller."
    expected = (NotPossible,)

    def arguments(self, parser: CommandParser) -> None:
        add_order(parser)
        add_items(parser)
        parser.add_argument("--reason", default="", choices=["", *CancellationReason], help="Why.")

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            order = order_of(options)
            cancel(order, CancelledByHand(uuid4().hex, pieces_of(order, options["item"]), options["reason"]), user=None)
            order.refresh_from_db()
        return Done(f"{order.number} is {order.status} now.", {"order": order.pk, "status": order.status})
