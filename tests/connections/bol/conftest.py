from __future__ import annotations

from collections.abc import Iterator

import pytest

from connections.connectors.base import Account
from connections.connectors.bol.connector import BolConnector
from connections.connectors.http import HttpClient
from tests.connections.memory_tokens import MemoryTokens
from tests.simulators.bol import BolSimulator


@pytest.fixture
def bol() -> Iterator[BolSimulator]:
    """A seller account; its exchanges are checked against bol's own description where that is at hand."""
    simulator = BolSimulator()
    with simulator.served():
        yield simulator
    if simulator.validator is not None:
        simulator.validator.assert_clean()  # type: ignore[attr-defined]


@pytest.fixture
def tokens() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
def connector(bol: BolSimulator, tokens: MemoryTokens) -> BolConnector:
    return connector_for(bol, tokens)


def connector_for(bol: BolSimulator, tokens: MemoryTokens | None = None) -> BolConnector:
    credentials = {"client_id": bol.client_id, "client_secret": bol.client_secret}
    account = Account(credentials, tokens or MemoryTokens(), bol.settings)
    return BolConnector(account, HttpClient(allow_private=True, secrets=[bol.client_secret]))
