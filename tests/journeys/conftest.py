from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.simulators.bol import BolSimulator
from tests.simulators.woocommerce import WooCommerceSimulator
from tests.world import World, build


@pytest.fixture
def serve(transactional_db: None) -> Iterator[Callable[..., Any]]:
    """Serve a simulated remote until the test ends."""
    with ExitStack() as stack:

        def serve(simulator: Any) -> Any:
            stack.enter_context(simulator.served())
            return simulator

        yield serve


@pytest.fixture
def make_world(serve: Callable[..., Any]) -> Callable[..., World]:
    """A company with a bol account and a WooCommerce shop, paired and active."""

    def make(**pair: Any) -> World:
        market, shop = serve(BolSimulator()), serve(WooCommerceSimulator())
        shop.add_product("MUG", "20.00", stock=1000)
        shop.add_product("TEA", "5.00", stock=1000)
        return build(market, shop, **pair)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
