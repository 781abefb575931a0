"""What the commands for one order share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import add_company
from orders.models import Order, OrderItem
from orders.services.events import Piece


def add_order(parser: CommandParser) -> None:
    add_company(parser)
    parser.add_argument("order", metavar="NUMBER", help="The marketplace's number of the order, or ours with #.")


def order_of(options: Mapping[str, Any]) -> Order:
    """The order that is named; inside its company. Raises CommandError if there is none, or several."""
    number: str = options["order"]
    if number.startswith("#") and number[1:].isdigit():
        found = list(Order.objects.filter(pk=int(number[1:])))
    else:
        found = list(Order.objects.filter(number=number).order_by("pk")[:5])
    if not found:
        raise CommandError(f"The company has no order {number}.")
    if len(found) > 1:
        ours = ", ".join(f"#{order.pk}" for order in found)
        raise CommandError(f"Several accounts have an order {number}; say which: {ours}.")
    return found[0]


def add_items(parser: CommandParser) -> None:
    parser.add_argument(
        "--item",
        action="append",
        default=[],
        metavar="SKU[=QUANTITY]",
        help="Only this item, or so many pieces of it. May be given often; without it: all that is open.",
    )


def pieces_of(order: Order, items: list[str]) -> tuple[Piece, ...] | None:
    """Raises CommandError naming what isn't in the order."""
    pieces = []
    for text in items:
        sku, equals, quantity = text.rpartition("=")
        if not equals or not quantity.isdigit():
            sku, quantity = text, ""
        lines = list(OrderItem.objects.filter(order=order, product_id=sku).values_list("pk", flat=True))
        if not lines:
            raise CommandError(f"The order has no item {sku}.")
        if len(lines) > 1 and quantity:
            raise CommandError(f"{sku} stands on several lines: a quantity can't be told apart.")
        pieces += [Piece(pk, int(quantity) if quantity else None) for pk in lines]
    return tuple(pieces) or None
