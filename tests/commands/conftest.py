"""Commands are run as scripts run them: with --json, read back from stdout."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.example.simulator import ExampleMarket, ExampleShop
from tests.world import World, build, examples_registered


@pytest.fixture
def run(transactional_db: None) -> Callable[..., Any]:
    """The answer of a command, {"error": …} if it failed."""

    def call(name: str, *arguments: Any) -> Any:
        out = io.StringIO()
        try:
            call_command(name, *map(str, arguments), "--json", stdout=out, stderr=io.StringIO())
        except CommandError:
            assert out.getvalue(), "an error must be told in JSON too"
        lines = out.getvalue().splitlines()
        assert len(lines) == 1
        return json.loads(lines[0])

    return call


@pytest.fixture
def say(transactional_db: None) -> Callable[..., str]:
    """What a command says to a person."""

    def call(name: str, *arguments: Any) -> str:
        out = io.StringIO()
        call_command(name, *map(str, arguments), stdout=out)
        return out.getvalue()

    return call


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """The smallest marketplace and the smallest shop, paired and active."""
    market, shop = ExampleMarket(), ExampleShop()
    with examples_registered(), market.served(), shop.served():
        yield build(market, shop)
