"""One token for all workers, renewed once when bol no longer takes it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connections.connectors.bol.connector import BolConnector
from connections.connectors.errors import AuthError, ConnectorError, ContractError, DataError, TransientError
from tests.connections.bol.conftest import GOOD_TOKEN, connector_for
from tests.connections.memory_tokens import MemoryTokens
from tests.simulators.base import Fault
from tests.simulators.bol import BolSimulator

LOG_IN = "POST /token"
RETAILER = "GET /retailer/retailers/current"


def test_a_token_is_used_for_many_calls(bol: BolSimulator, connector: BolConnector, tokens: MemoryTokens) -> None:
    for _ in range(5):
        connector.check()
    assert tokens.requests == 1


def test_a_revoked_token_is_renewed_once(bol: BolSimulator, connector: BolConnector, tokens: MemoryTokens) -> None:
    connector.check()
    bol.revoke_tokens()
    connector.check()
    assert tokens.requests == 2


def test_a_token_that_is_over_by_bols_clock_is_renewed(
    bol: BolSimulator, connector: BolConnector, tokens: MemoryTokens
) -> None:
    connector.check()
    bol.advance(minutes=6)
    connector.check()
    assert tokens.requests == 2


def test_workers_at_once_ask_for_one_token(bol: BolSimulator, tokens: MemoryTokens) -> None:
    connector_for(bol, tokens).check()
    bol.revoke_tokens()
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda _number: connector_for(bol, tokens).check(), range(16)))
    assert tokens.requests == 2
    assert bol.requests.count(LOG_IN) == 2


def test_an_account_that_is_not_active_is_no_reason_to_log_in_again(
    bol: BolSimulator, connector: BolConnector, tokens: MemoryTokens
) -> None:
    bol.is_active = False
    with pytest.raises(AuthError, match="not active"):
        connector.check()
    assert tokens.requests == 1


def test_a_token_refused_again_at_once_is_an_error_and_no_endless_loop(answering: Callable[..., Any]) -> None:
    connector, server = answering({RETAILER: [(401, {"title": "Expired JWT", "status": 401})]})
    with pytest.raises(AuthError):
        connector.check()
    assert len(server.requests) == 4  # a token, a call, and both once more


def test_a_token_for_something_else_is_refused(bol: BolSimulator, connector: BolConnector) -> None:
    bol.token_scope = "ADVERTISER"
    with pytest.raises(AuthError, match="not for the Retailer API"):
        connector.check()


def test_the_scope_may_be_written_small(bol: BolSimulator, connector: BolConnector) -> None:
    bol.token_scope = "retailer"
    assert connector.check().account_id == bol.retailer_id


@pytest.mark.parametrize("fault", [Fault.ERROR_500_BEFORE, Fault.RESET_BEFORE])
def test_a_log_in_that_is_down_says_nothing_of_the_secret(
    fault: Fault, bol: BolSimulator, connector: BolConnector
) -> None:
    bol.fail(LOG_IN, fault, times=10)
    with pytest.raises(TransientError):
        connector.check()


@pytest.mark.parametrize(("status", "kind"), [(400, AuthError), (401, AuthError), (403, AuthError), (404, DataError)])
def test_a_log_in_is_refused_by_its_status(
    status: int, kind: type[ConnectorError], answering: Callable[..., Any]
) -> None:
    connector, _server = answering({LOG_IN: [(status, {"error": "invalid_client"})]})
    with pytest.raises(kind) as caught:
        connector.check()
    assert caught.value.status == status
    assert connector.account.credentials["client_secret"] not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [None, [], "token", {}, {**GOOD_TOKEN, "access_token": ""}, {**GOOD_TOKEN, "access_token": None},
     {**GOOD_TOKEN, "access_token": 7}, {**GOOD_TOKEN, "expires_in": ""}, {**GOOD_TOKEN, "expires_in": 0},
     {**GOOD_TOKEN, "expires_in": True}, {**GOOD_TOKEN, "expires_in": 10**12}, {**GOOD_TOKEN, "expires_in": -1}],
)  # fmt: skip
def test_what_is_no_token_is_not_used(said: object, answering: Callable[..., Any]) -> None:
    connector, server = answering({LOG_IN: [(200, said)]})
    with pytest.raises(ContractError):
        connector.check()
    assert len(server.requests) == 1


@pytest.mark.parametrize("said", [None, [], "me", {}, {"retailerId": ""}, {"displayName": "Nobody"}])
def test_a_retailer_without_an_id_is_none(said: object, answering: Callable[..., Any]) -> None:
    connector, _server = answering({RETAILER: [(200, said)]})
    with pytest.raises(ContractError):
        connector.check()
