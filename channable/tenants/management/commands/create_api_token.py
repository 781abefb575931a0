"""A key to the REST API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from channable.tenants.management.base import Done, JsonCommand, add_company, company_of
from channable.tenants.models import ApiToken, TooManyTokens


class Command(JsonCommand):
    help = "Make an API token for a company. It is shown once; only its hash is kept."
    expected = (TooManyTokens,)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("--label", default="", help="What it is for.")

    def work(self, **options: Any) -> Done:
        token, secret = ApiToken.issue(company_of(options), label=options["label"][:100])
        facts = {"id": token.pk, "token": secret, "expires_at": token.expires_at.isoformat()}
        return Done(f"{secret}\nShown this once. Good until {token.expires_at:%d %B %Y}.", facts)
