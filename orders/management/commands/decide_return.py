"""Decide about a return."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import Done, JsonCommand, add_company, company_of
from channable.tenants.scope import company_scope
from connections.connectors.types import ReturnVerdict
from orders.models import Return
from orders.services.events import ReturnDecided
from orders.services.handle import NotPossible, decide_return


class Command(JsonCommand):
    help = "Tell the marketplace what becomes of a return, or of some of its pieces."
    expected = (NotPossible,)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("number", help="The marketplace's number of the line (bol: rmaId), or ours with #.")
        parser.add_argument("verdict", choices=[*ReturnVerdict])
        parser.add_argument("--quantity", type=int, help="Only so many pieces; without it all that is open.")

    def work(self, **options: Any) -> Done:
        with company_scope(company_of(options).pk):
            returned = _return_of(options["number"])
            decision = ReturnDecided(uuid4().hex, returned.pk, ReturnVerdict(options["verdict"]), options["quantity"])
            decide_return(returned.order, decision, user=None)
            returned.refresh_from_db()
        values = {"return": returned.pk, "status": returned.status}
        return Done(f"Return {returned.external_id} is {returned.status} now.", values)


def _return_of(number: str) -> Return:
    """Raises CommandError if there is none, or several."""
    returns = Return.objects.select_related("order")
    is_ours = number.startswith("#") and number[1:].isdigit()
    found = list(returns.filter(pk=int(number[1:])) if is_ours else returns.filter(external_id=number)[:2])
    if not found:
        raise CommandError(f"The company has no return {number}.")
    if len(found) > 1:
        raise CommandError(f"Several accounts have a return {number}; name ours with #.")
    returned: Return = found[0]
    return returned
