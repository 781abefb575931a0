from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connections.connectors.base import Account
from connections.connectors.bol.connector import BolConnector
from connections.connectors.http import HttpClient
from connections.connectors.types import Outcome, OutcomeState
from tests.connections.memory_tokens import MemoryTokens
from tests.connections.raw_server import RawServer, Received, answer
from tests.simulators.bol import MEDIA_TYPE, BolSimulator

PAYLOADS = Path(__file__).parents[2] / "payloads" / "bol"
GOOD_TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 299, "scope": "RETAILER"}


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


@pytest.fixture
def answering() -> Iterator[Callable[..., tuple[BolConnector, RawServer]]]:
    """`answering({"GET /retailer/orders": [(status, body), …]})`: a remote that says just this, in this order,
    the last again and again; a good token unless the log-in ("POST /token") is among it."""
    servers: list[RawServer] = []

    def answering(said: dict[str, list[tuple[int, Any]]]) -> tuple[BolConnector, RawServer]:
        left = {"POST /token": [(200, GOOD_TOKEN)], **{line: list(steps) for line, steps in said.items()}}

        def script(received: Received) -> Iterator[bytes]:
            steps = left[f"{received.method} {received.target.partition('?')[0]}"]
            status, body = steps.pop(0) if len(steps) > 1 else steps[0]
            yield answer(status, json.dumps(body).encode(), Content_Type=MEDIA_TYPE)

        server = RawServer(script).__enter__()
        servers.append(server)
        return connector_at(server.url, MemoryTokens()), server

    yield answering
    for server in servers:
        server.__exit__()


def connector_for(bol: BolSimulator, tokens: MemoryTokens | None = None) -> BolConnector:
    return connector_at(bol.url, tokens or MemoryTokens(), client_id=bol.client_id, client_secret=bol.client_secret)


def connector_at(url: str, tokens: MemoryTokens, **credentials: str) -> BolConnector:
    credentials = {"client_id": "me", "client_secret": "s3cret-s3cret", **credentials}
    account = Account(credentials, tokens, {"api_url": url, "login_url": url})
    return BolConnector(account, HttpClient(allow_private=True, secrets=[credentials["client_secret"]]))


def read(connector: BolConnector, cursor: str = "", stream: str = "orders:FBR") -> tuple[dict[str, str], str]:
    """{number: version} of all pages, and the last cursor."""
    found: dict[str, str] = {}
    for page in connector.fetch(stream, cursor):
        found |= {record.external_id: record.version for record in page.records}
        cursor = page.cursor
    return found, cursor


def ask(connector: BolConnector, ticket: str) -> Outcome:
    (outcome,) = connector.follow_up([ticket])
    return outcome


def settle(connector: BolConnector, ticket: str) -> Outcome:
    for _ in range(5):
        outcome = ask(connector, ticket)
        if outcome.state != OutcomeState.PENDING:
            return outcome
    raise AssertionError("still pending")
