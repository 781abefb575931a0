"""Hand an invoice to a marketplace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from orders.management.base import add_order, order_of
from orders.models import AttachmentKind, OrderItem
from orders.services.attachments import add
from orders.services.handle import NotPossible


class Command(JsonCommand):
    help = "Keep an invoice with its order, and send it to the marketplace."
    expected = (NotPossible,)

    def arguments(self, parser: CommandParser) -> None:
        add_order(parser)
        parser.add_argument("file", metavar="FILE", help="A PDF of at most 10 MB.")
        parser.add_argument(
            "--item", action="append", default=[], metavar="SKU", help="What it is about. Without it: the whole order."
        )

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            order = order_of(options)
            items = [pk for sku in options["item"] for pk in _lines(order.pk, sku)]
        path = Path(options["file"])
        try:
            with path.open("rb") as file:
                added = add(order, AttachmentKind.INVOICE, file, name=path.name, user=None, item_ids=items)
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from error
        facts = {"order": order.pk, "attachment": added.pk, "delivery": added.delivery}
        return Done(f"{added.title} of {order.number}: {added.get_delivery_display()}.", facts)


def _lines(order_id: int, sku: str) -> list[int]:
    lines = list(OrderItem.objects.filter(order_id=order_id, product_id=sku).values_list("pk", flat=True))
    if not lines:
        raise CommandError(f"The order has no item {sku}.")
    return lines
