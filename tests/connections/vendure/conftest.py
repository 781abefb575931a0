from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connections.connectors.base import Account
from connections.connectors.http import HttpClient
from connections.connectors.types import AddressData, CustomerData, ItemData, OrderData, RemoteStatus, ShopOptions
from connections.connectors.vendure.connector import VendureConnector
from tests.connections.memory_tokens import MemoryTokens
from tests.simulators.proxy import Proxy
from tests.vendure.fixtures import vendure  # noqa: F401
from tests.vendure.peer import VendurePeer

OPTIONS = ShopOptions(number="", marketplace_name="bol")
_numbers = itertools.count(1)


@pytest.fixture
def proxy(vendure: VendurePeer) -> Iterator[Proxy]:  # noqa: F811
    proxy = Proxy(vendure.url.removesuffix("/admin-api"))
    with proxy.served():
        yield proxy


@pytest.fixture
def connect(proxy: Proxy) -> Callable[..., VendureConnector]:
    def connect(password: str = VendurePeer.password, **settings: str) -> VendureConnector:
        credentials = {"url": proxy.url, "username": VendurePeer.username, "password": password}
        account = Account(credentials, MemoryTokens(), settings)
        return VendureConnector(account, HttpClient(allow_private=True, secrets=[password]))

    return connect


@pytest.fixture
def connector(connect: Callable[..., VendureConnector]) -> VendureConnector:
    return connect()


def an_order(*items: ItemData, total: str | None = None, **changes: object) -> OrderData:
    number = f"ORDER-{next(_numbers)}"
    address = AddressData(
        first_name="Jip",
        last_name="de Vries",
        street="Dorpsstraat",
        house_number="12",
        house_number_suffix="a",
        postcode="1234AB",
        city="Utrecht",
        country_code="NL",
        email=f"{number.lower()}@relay.example",
    )
    amount = sum((item.unit_price * item.quantity - item.discount for item in items), Decimal(0))
    values = {
        "external_id": number,
        "remote_status": RemoteStatus.OPEN,
        "ordered_at": datetime.now(UTC),
        "currency": "EUR",
        "total": Decimal(total) if total else amount,
        "items": items,
        "billing": address,
        "shipping_address": address,
        "customer": CustomerData(first_name="Jip", last_name="de Vries", email=address.email),
    }
    return OrderData(**{**values, **changes})  # type: ignore[arg-type]


def an_item(sku: str, quantity: int = 1, price: str = "10.00", **changes: object) -> ItemData:
    return ItemData(f"line-{sku}", sku, quantity, Decimal(price), **changes)  # type: ignore[arg-type]
