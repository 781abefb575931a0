"""A company whose marketplace and shop are real servers on loopback, set up as a merchant does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from channable.tenants.models import Company, Project
from channable.tenants.scope import company_scope
from connections import services
from connections.accounts import connect_account
from connections.connectors import CONNECTORS
from connections.models import Connection, OrderConnection, OutboxMessage, RefusedRecord
from orders.models import Order
from tests.example import EXAMPLES
from tests.factories import CompanyFactory

# How a merchant would fill in the form for each remote: (credentials, settings).
FORMS: dict[str, Callable[[Any], tuple[Mapping[str, str], Mapping[str, str]]]] = {
    "example": lambda remote: ({"url": remote.url, "api_key": remote.api_key}, {}),
    "example_shop": lambda remote: ({"url": remote.url, "api_key": remote.api_key}, {}),
    "bol": lambda remote: (
        {"client_id": remote.client_id, "client_secret": remote.client_secret},
        remote.settings,
    ),
    "woocommerce": lambda remote: (
        {"shop_url": remote.url, "consumer_key": remote.consumer_key, "consumer_secret": remote.consumer_secret},
        {},
    ),
    "vendure": lambda remote: (
        {"url": remote.url, "username": remote.username, "password": remote.password},
        {},
    ),
}


def connect(company: Company, remote: Any, *, kind: str = "") -> Connection:
    """Connect an account as a person does: its credentials are tested first."""
    credentials, settings = FORMS[kind or remote.name](remote)
    connection, _info = connect_account(
        company=company, kind=kind or remote.name, label=remote.name, credentials=credentials, options=settings
    )
    return connection


@dataclass
class World:
    """One order connection that is active, with what it joins."""

    company: Company
    project: Project
    market: Any  # the simulated marketplace
    shop: Any  # the simulated (or real) shop
    marketplace: Connection
    platform: Connection
    pair: OrderConnection

    @property
    def orders(self) -> list[Order]:
        with company_scope(self.company.pk):
            return list(Order.objects.order_by("id"))

    def order(self, number: str) -> Order:
        with company_scope(self.company.pk):
            return Order.objects.get(connection=self.marketplace, external_id=number)

    def timeline(self, number: str) -> list[str]:
        with company_scope(self.company.pk):
            order = Order.objects.get(connection=self.marketplace, external_id=number)
            return list(order.events.order_by("id").values_list("code", flat=True))

    def messages(self, **values: Any) -> list[OutboxMessage]:
        with company_scope(self.company.pk):
            return list(OutboxMessage.objects.filter(**values).order_by("id"))

    def unreadable(self) -> list[RefusedRecord]:
        with company_scope(self.company.pk):
            return list(RefusedRecord.objects.filter(resolved_at=None).order_by("id"))

    def change_settings(self, **values: Any) -> None:
        with company_scope(self.company.pk):
            self.pair.settings = {**self.pair.settings, **values}
            self.pair.save(update_fields=["settings"])


def build(market: Any, shop: Any, *, company: Company | None = None, **pair: Any) -> World:
    """Connect both, pair them and activate; orders of the last week are taken."""
    company = company or CompanyFactory()
    marketplace, platform = connect(company, market), connect(company, shop)
    with company_scope(company.pk):
        project = Project.objects.create(company=company, name="Project")
        values = {"name": f"{market.name} to {shop.name}", "start_at": timezone.now() - timedelta(days=7), **pair}
        order_connection = services.create_order_connection(
            company=company, project=project, marketplace=marketplace, shop=platform, **values
        )
        services.activate(order_connection)
    return World(company, project, market, shop, marketplace, platform, order_connection)


@contextmanager
def examples_registered() -> Iterator[None]:
    """The smallest connectors, known to the engine for as long as a test runs."""
    CONNECTORS.update(EXAMPLES)
    try:
        yield
    finally:
        for kind in EXAMPLES:
            del CONNECTORS[kind]
