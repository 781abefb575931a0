from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.example.simulator import ExampleMarket, ExampleShop
from tests.world import World, build, examples_registered


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """The smallest marketplace and the smallest shop, paired and active."""
    market, shop = ExampleMarket(), ExampleShop()
    with examples_registered(), market.served(), shop.served():
        yield build(market, shop)
