"""The demo: a company whose marketplace and shop are simulated on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import requests
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from channable.tenants.management.base import Done, JsonCommand
from channable.tenants.models import Company, Project, User
from channable.tenants.scope import all_companies, company_scope
from channable.tenants.services import found_company
from connections.accounts import connect_account, test_account
from connections.connectors.errors import ConnectorError
from connections.management.commands.connect_account import split_fields
from connections.models import Connection, OrderConnection
from connections.services import SetupError, activate, create_order_connection

EMAIL, PASSWORD = "demo@example.com", "demo-demo-demo"
WAIT_SECONDS = 300  # nobody looks at a demo for three hours
ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """How to connect one of the simulated systems, as the simulators tell."""

    kind: str
    label: str
    values: Mapping[str, str]


class Command(JsonCommand):
    help = "Make the demo company with its log-in and connect it to the simulators. Needs DEMO=1. Safe to repeat."
    expected = (ConnectorError, SetupError)

    def work(self, **options: Any) -> Done:
        if not settings.DEMO:
            raise CommandError("DEMO=1 is not set: this makes a log-in that everybody knows.")
        offers = offers_of(f"http://127.0.0.1:{os.environ.get('SIMULATORS_PORT') or 8900}")
        company = demo_company(demo_user())
        accounts = [connected(company, offer) for offer in offers]
        pair = demo_pair(company, accounts)
        call_command("setup_periodic", stdout=StringIO())
        facts = {"company": company.pk, "user": EMAIL, "password": PASSWORD, "order_connection": pair.pk}
        return Done(f"Demo company {company.pk}; sign in as {EMAIL} with {PASSWORD}.", facts)


def offers_of(address: str) -> list[Offer]:
    """What the simulators offer to connect. Raises CommandError if they don't answer."""
    try:
        answer = requests.get(f"{address}/_demo/accounts", timeout=ANSWER_SECONDS)
        answer.raise_for_status()
        return [Offer(**row) for row in answer.json()]
    except (requests.RequestException, TypeError) as error:
        raise CommandError(f"The simulators don't answer at {address}: start `python -m tests.simulators`.") from error


def demo_user() -> User:
    """May also use the admin, which belongs to what the demo shows. Left alone if it is there."""
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = User.objects.create_superuser(EMAIL, PASSWORD, name="Demo")
        EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    return user


def demo_company(user: User) -> Company:
    with all_companies():  # which company it is has to be found out first
        company = Company.objects.filter(memberships__user=user).order_by("pk").first()
    return company or found_company(name="Demo company", owner=user, project="Web shop")


def connected(company: Company, offer: Offer) -> Connection:
    """A simulated shop's identity is its address: another port is still the same shop."""
    credentials, options = split_fields(offer.kind, dict(offer.values))
    info = test_account(offer.kind, credentials, options)
    with company_scope(company.pk):
        moved = Connection.objects.filter(kind=offer.kind, label=offer.label).exclude(account_id=info.account_id)
        moved.update(account_id=info.account_id)
    connection, _info = connect_account(
        company=company, kind=offer.kind, label=offer.label, credentials=credentials, options=options
    )
    return connection


def demo_pair(company: Company, accounts: list[Connection]) -> OrderConnection:
    """Activated when it is made; one that was paused since then stays paused."""
    marketplace = next(account for account in accounts if account.is_marketplace)
    shop = next(account for account in accounts if not account.is_marketplace)
    with company_scope(company.pk):
        pair: OrderConnection | None = OrderConnection.objects.filter(marketplace=marketplace, shop=shop).first()
        if pair is None:
            pair = create_order_connection(
                company=company,
                project=Project.objects.order_by("pk")[0],
                name=f"{marketplace.label} → {shop.label}",
                marketplace=marketplace,
                shop=shop,
                start_at=timezone.now() - timedelta(days=1),
                settings={"wait_seconds": WAIT_SECONDS},
            )
            activate(pair)
    return pair
