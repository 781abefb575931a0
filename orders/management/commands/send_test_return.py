"""Return a test order."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, company_of
from channable.tenants.scope import company_scope
from orders.management.base import add_order, order_of
from orders.services.handle import NotPossible
from orders.services.sample_orders import send_test_return


class Command(JsonCommand):
    help = "As if all of a test order came back; the marketplace never hears of it."
    expected = (NotPossible,)

    def arguments(self, parser: CommandParser) -> None:
        add_order(parser)

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            order = order_of(options)
            made = send_test_return(order)
        text = f"{len(made)} of {order.number} come back; decide on the page of the order, or with decide_return."
        return Done(text, {"order": order.pk, "returns": [one.pk for one in made]})
