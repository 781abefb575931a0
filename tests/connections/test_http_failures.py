"""Answers that are slow, cut, huge or no HTTP, and calls that have no time left."""

import gzip
import socket
import time

import pytest

from connections.connectors.addresses import Guard
from connections.connectors.errors import ContractError, TransientError
from connections.connectors.http import HttpClient
from connections.connectors.transport import GuardedHTTPConnection, deadline
from tests.connections.raw_server import CLOSE, RESET, RawServer, answer, serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def post(*steps, **options):
    with serving(*steps) as server:
        return HttpClient(allow_private=True).post(server.url, json={"a": 1}, **options)


@pytest.mark.parametrize(
    "steps",
    [
        [CLOSE],
        [RESET],
        [HEAD[:20], RESET],
        [HEAD, RESET],
        [HEAD + b"Content-Length: 100\r\n\r\n{", CLOSE],
        [HEAD + b"Content-Length: 100\r\n\r\n{", RESET],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", CLOSE],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", CLOSE],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", CLOSE],
    ],
)
def test_a_write_whose_answer_was_cut_is_unknown(steps):
    with pytest.raises(TransientError) as caught:
        post(*steps)
    assert caught.value.was_sent
    assert caught.value.code == "connector.cut"


def test_a_read_whose_answer_was_cut_is_read_again():
    with RawServer(lambda received: [RESET] if len(server.requests) < 3 else [answer()]) as server:
        assert HttpClient(allow_private=True).get(server.url).status == 200


def test_no_answer_in_time_is_unknown_and_not_asked_again():
    def silent(received):
        time.sleep(0.5)
        yield CLOSE

    with RawServer(silent) as server, pytest.raises(TransientError) as caught:
        HttpClient(allow_private=True).get(server.url, read_timeout=0.1)
    assert (caught.value.code, caught.value.was_sent) == ("connector.timeout", True)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"",
        HEAD[:10],
        HEAD,
        HEAD + b"Content-Length: 999\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"\r\n",
    ],
    ids=["nothing", "status line", "headers", "body", "chunks", "until closed"],
)
def test_an_answer_that_drips_is_cut_at_the_total_time(head):
    def drip(received):
        yield head
        while True:
            time.sleep(0.05)
            yield b"1"

    started = time.monotonic()
    with RawServer(drip) as server, pytest.raises(TransientError) as caught:
        HttpClient(allow_private=True).post(server.url, total_timeout=0.4, read_timeout=0.3)
    assert caught.value.code == "connector.timeout"
    assert time.monotonic() - started > 0.3  # and it ended at all: the answer never does


def test_endless_interim_answers_are_cut_at_the_total_time():
    def continues(received):
        while True:
            time.sleep(0.02)
            yield b"HTTP/1.1 100 Continue\r\n\r\n"

    with RawServer(continues) as server, pytest.raises(TransientError):
        HttpClient(allow_private=True).get(server.url, total_timeout=0.3)


def test_a_refused_connection_was_surely_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TransientError) as caught:
        HttpClient(allow_private=True).post(f"http://127.0.0.1:{port}/")
    assert (caught.value.was_sent, caught.value.code) == (False, "connector.unreachable")


def test_a_name_that_is_not_found_was_surely_not_sent():
    def unknown(host, port):
        raise socket.gaierror("no such name")

    with pytest.raises(TransientError) as caught:
        HttpClient(resolve=unknown).post("https://gone.example/")
    assert not caught.value.was_sent


def test_the_next_address_is_tried_when_one_does_not_answer():
    with serving(answer()) as server:
        client = HttpClient(allow_private=True, resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"])
        assert client.get(f"http://shop.test:{server.port}/").status == 200


def test_no_call_is_made_without_time_for_it():
    with serving(answer()) as server, pytest.raises(TransientError) as caught:
        HttpClient(allow_private=True, time_left=lambda: 0.9).post(server.url)
    assert (caught.value.code, caught.value.was_sent) == ("connector.out_of_time", False)
    assert server.requests == []


def test_a_request_is_kept_back_when_its_time_is_over_once_it_is_connected():
    """As when its process stood still between looking at the clock and sending."""
    with serving(answer()) as server:
        connection = GuardedHTTPConnection(server.host, server.port, timeout=5, guard=Guard(allow_private=True))
        connection.connect()
        token = deadline.set(time.monotonic())
        try:
            with pytest.raises(TransientError) as caught:
                connection.request("POST", "/", body=b"{}")
        finally:
            deadline.reset(token)
        connection.request("GET", "/later")  # it is opened anew
        assert connection.getresponse().status == 200
        assert [received.target for received in server.requests] == ["/later"]
    assert (caught.value.code, caught.value.was_sent) == ("connector.out_of_time", False)


def test_the_callers_deadline_caps_the_call():
    def silent(received):
        time.sleep(2)
        yield CLOSE

    with RawServer(silent) as server, pytest.raises(TransientError) as caught:
        HttpClient(allow_private=True, time_left=lambda: 1.0).get(server.url)
    assert caught.value.code == "connector.timeout"  # and not "connector.cut", which the server's end would be


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_above_the_limit_is_refused(method):
    with serving(answer(200, b"x" * 5000)) as server, pytest.raises(ContractError, match="larger than 1000"):
        HttpClient(allow_private=True).request(method, server.url, max_bytes=1000)


def test_the_limit_counts_what_a_compressed_body_becomes():
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(ContractError, match="larger than"):
        post(answer(200, bomb, Content_Encoding="gzip"), max_bytes=1_000_000)


def test_a_bomb_is_not_unpacked_for_a_redirect_or_a_refusal():
    bomb = gzip.compress(b"\0" * 5_000_000)
    for status in (302, 400):
        with pytest.raises(ContractError, match="larger than"):
            post(answer(status, bomb, Content_Encoding="gzip", Location="/x"), max_bytes=1_000_000)


def test_broken_compression_is_no_answer():
    with pytest.raises(ContractError, match="compression"):
        post(answer(200, b"this is not gzip", Content_Encoding="gzip"))


def test_compressed_answers_are_unpacked():
    assert post(answer(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")).json() == {"a": 1}


@pytest.mark.parametrize(
    "answered",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        HEAD + b"".join(b"X%d: 1\r\n" % i for i in range(150)) + b"\r\n",
    ],
    ids=["other protocol", "no status", "long header", "many headers"],
)
def test_what_is_not_http_is_not_what_was_documented(answered):
    with pytest.raises(ContractError):
        post(answered, CLOSE)
