from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channable.tenants.models import Company, User
from connections.models import OrderConnection
from tests.factories import OrderConnectionFactory, ProjectFactory


@pytest.fixture
def pair(company: Company) -> OrderConnection:
    pair: OrderConnection = OrderConnectionFactory(project=ProjectFactory(company=company), name="bol to Webshop")
    return pair


@pytest.fixture
def client(alice: User) -> Client:
    """Alice's browser; she owns the company."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def statements() -> Callable[[Callable[[], object]], int]:
    def count(visit: Callable[[], object]) -> int:
        with CaptureQueriesContext(database) as captured:
            visit()
        return len(captured)

    return count
