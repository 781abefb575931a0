"""A served shop, and a connector that talks to it over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connections.connectors.base import Account
from connections.connectors.http import HttpClient
from connections.connectors.types import AddressData, ItemData, OrderData, RemoteStatus, ShopOptions
from connections.connectors.woocommerce.connector import WooCommerceConnector
from tests.simulators.validation import specs_available
from tests.simulators.woocommerce import WooCommerceSimulator
from tests.simulators.woocommerce_description import WooCommerceDescription

OPTIONS = ShopOptions(number="BOL-1001", marketplace_name="bol", memo="bol order 1001")
ADDRESS = AddressData(
    first_name="Ada", last_name="de Vries", street="Dorpsstraat", house_number="1", house_number_suffix="A",
    postcode="1234 AB", city="Utrecht", country_code="NL", email="ada@example.com", phone="0612345678",
)  # fmt: skip


class NoTokens:
    """WooCommerce's keys don't expire; nothing is ever asked of the store."""


def connector_for(
    simulator: WooCommerceSimulator, http: HttpClient | None = None, **given: str
) -> WooCommerceConnector:
    """`given` are settings, or credentials by their names."""
    credentials = {
        "shop_url": simulator.url,
        "consumer_key": simulator.consumer_key,
        "consumer_secret": simulator.consumer_secret,
    }
    credentials |= {name: given.pop(name) for name in list(given) if name in credentials}
    client = http or HttpClient(allow_private=True, secrets=[simulator.consumer_key, simulator.consumer_secret])
    return WooCommerceConnector(Account(credentials, NoTokens(), given), client)


def an_item(sku: str = "MUG", quantity: int = 1, price: str = "20.00", **more: Any) -> ItemData:
    return ItemData(external_id=f"line-{sku}", product_id=sku, quantity=quantity, unit_price=Decimal(price), **more)


def an_order(*items: ItemData, total: str | None = None, **more: Any) -> OrderData:
    items = items or (an_item(),)
    gross = sum((item.unit_price * item.quantity - item.discount for item in items), Decimal(0))
    own = sum((item.discount for item in items), Decimal(0))
    extra = more.get("shipping", Decimal(0)) + more.get("transaction_fee", Decimal(0))
    rest = more.get("discount", own) - own
    values: dict[str, Any] = {
        "external_id": "1001", "remote_status": RemoteStatus.OPEN, "ordered_at": datetime.now(UTC), "currency": "EUR",
        "billing": ADDRESS, "shipping_address": ADDRESS,
    }  # fmt: skip
    return OrderData(**(values | more), items=items, total=Decimal(total) if total else gross + extra - rest)


@pytest.fixture
def make_shop() -> Iterator[Callable[..., WooCommerceSimulator]]:
    """Serves a shop with the given options and a product MUG; its exchanges are checked against the
    vendor's description where that is at hand."""
    with ExitStack() as stack:

        def make(**options: Any) -> WooCommerceSimulator:
            validator = WooCommerceDescription() if specs_available("woocommerce") else None
            simulator = WooCommerceSimulator(validator, **options)
            stack.enter_context(simulator.served())
            simulator.add_product("MUG", "20.00")
            if validator is not None:
                stack.callback(validator.assert_clean)
            return simulator

        yield make


@pytest.fixture
def shop(make_shop: Callable[..., WooCommerceSimulator]) -> WooCommerceSimulator:
    return make_shop()
