"""Connections are kept and shared, and a stale one never makes a write look unsent."""

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from connections.connectors.errors import TransientError
from connections.connectors.http import HttpClient
from tests.connections.raw_server import CLOSE, RESET, RawServer, answer, serving


def test_two_calls_of_two_clients_use_one_connection():
    with serving(answer()) as server:
        HttpClient(allow_private=True).get(server.url)
        HttpClient(allow_private=True).post(server.url)
    assert server.connections == 1


def test_a_connection_with_an_unread_answer_is_not_used_again():
    with RawServer(lambda received: [answer(200, b"x" * 300_000 if received.target == "/big" else b"{}")]) as server:
        client = HttpClient(allow_private=True)
        with pytest.raises(Exception, match="larger"):
            client.get(server.url + "/big", max_bytes=10)
        assert client.get(server.url).json() == {}
    assert server.connections == 2


def test_a_connection_closed_while_idle_is_opened_again():
    with serving(answer(), CLOSE) as server:
        client = HttpClient(allow_private=True)
        client.get(server.url)
        time.sleep(0.1)
        assert client.post(server.url).status == 200
    assert len(server.requests) == 2


def test_a_write_on_a_connection_that_the_remote_closes_just_then_is_unknown():
    with RawServer(lambda received: [answer()] if len(server.requests) == 1 else [RESET]) as server:
        client = HttpClient(allow_private=True)
        client.get(server.url)
        with pytest.raises(TransientError) as caught:
            client.post(server.url)
    assert caught.value.was_sent
    assert len(server.requests) == 2


def test_twenty_threads_get_their_own_answers():
    def echo(received):
        yield answer(200, b'{"target": "%s"}' % received.target.encode())

    with RawServer(echo) as server:
        client = HttpClient(allow_private=True)

        def call(number: int) -> bool:
            return client.get(f"{server.url}/{number}").json() == {"target": f"/{number}"}

        with ThreadPoolExecutor(20) as threads:
            assert all(threads.map(call, range(200)))


def test_calls_of_other_threads_keep_their_own_deadline():
    def slow(received):
        time.sleep(0.3)
        yield answer()

    outcomes = {}
    with RawServer(slow) as server:

        def call(name: str, total: float) -> None:
            try:
                outcomes[name] = HttpClient(allow_private=True).post(server.url, total_timeout=total).status
            except TransientError as error:
                outcomes[name] = error.code

        threads = [threading.Thread(target=call, args=args) for args in (("short", 0.1), ("long", 5))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == {"short": "connector.timeout", "long": http.client.OK}


def test_nothing_is_taken_from_the_environment(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login jan password geheim\n")
    for name, value in {
        "NETRC": str(netrc),
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    with serving(answer()) as server:
        assert HttpClient(allow_private=True).get(server.url).status == 200
    assert "authorization" not in server.requests[0].headers
