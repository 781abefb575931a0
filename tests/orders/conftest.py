from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from channable.tenants.models import Company, User
from connections.models import OrderConnection
from tests.example.simulator import ExampleMarket, ExampleShop
from tests.factories import OrderConnectionFactory, ProjectFactory
from tests.world import World, build, examples_registered


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """The smallest marketplace and the smallest shop, paired and active."""
    market, shop = ExampleMarket(), ExampleShop()
    with examples_registered(), market.served(), shop.served():
        yield build(market, shop)


@pytest.fixture
def pair(company: Company) -> OrderConnection:
    pair: OrderConnection = OrderConnectionFactory(project=ProjectFactory(company=company))
    return pair


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client
