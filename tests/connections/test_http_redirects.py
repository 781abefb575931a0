"""Redirects: checked like the first address, without credentials elsewhere, never for writes."""

import pytest

from connections.connectors.errors import AuthError, ContractError, DataError
from connections.connectors.http import HttpClient
from tests.connections.raw_server import RawServer, answer, serving

KEYS = {"Authorization": "Bearer tok-12345678", "Cookie": "a=b", "X-Api-Key": "key-12345678"}


def to(location: str, status: int = 302) -> bytes:
    return answer(status, b"", Location=location)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_follows_with_its_credentials_on_the_same_host(status):
    with RawServer(lambda received: [answer() if received.target == "/b?x=1" else to("/b?x=1", status)]) as server:
        response = HttpClient(allow_private=True).get(server.url + "/a", headers=KEYS)
    assert response.url == server.url + "/b?x=1"
    assert server.requests[1].headers["authorization"] == "Bearer tok-12345678"


def test_no_credential_goes_to_another_port():
    with serving(answer()) as other, serving(to(f"{other.url}/b")) as server:
        HttpClient(allow_private=True).get(server.url, headers=KEYS, params={"consumer_key": "ck-12345678"})
    assert set(other.requests[0].headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"} - (
        set() if "connection" in other.requests[0].headers else {"connection"}
    )
    assert other.requests[0].target == "/b"


def test_no_credential_goes_to_another_name():
    with RawServer(
        lambda received: [answer() if received.target == "/b" else to(f"http://b.test:{server.port}/b")]
    ) as server:
        client = HttpClient(allow_private=True, resolve=lambda host, port: ["127.0.0.1"])
        client.get(f"http://a.test:{server.port}/a", auth=("ck", "cs-12345678"))
    assert "authorization" in server.requests[0].headers
    assert "authorization" not in server.requests[1].headers


def test_a_known_secret_in_a_redirect_elsewhere_is_not_followed():
    with serving(answer()) as other, serving(to(f"{other.url}/?k=sec-12345678")) as server:
        client = HttpClient(allow_private=True, secrets=["sec-12345678"])
        with pytest.raises(ContractError) as caught:
            client.get(server.url)
    assert other.requests == []
    assert "sec-12345678" not in str(caught.value)


def test_a_refusal_after_a_redirect_tells_the_address_to_use():
    with serving(answer(401)) as other, serving(to(other.url)) as server, pytest.raises(AuthError) as caught:
        HttpClient(allow_private=True).get(server.url, headers=KEYS)
    assert other.url in caught.value.detail


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_write_is_not_turned_into_a_read(status):
    with serving(to("/b", status)) as server, pytest.raises(ContractError, match="/b"):
        HttpClient(allow_private=True).post(server.url, json={})
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_goes_on_within_its_host_with_its_body(status):
    with RawServer(lambda received: [answer(201) if received.target == "/b" else to("/b", status)]) as server:
        assert HttpClient(allow_private=True).post(server.url, json={"a": 1}).status == 201
    assert (server.requests[1].method, server.requests[1].body) == ("POST", b'{"a":1}')


@pytest.mark.parametrize("is_write", [True, False])
def test_a_body_goes_to_no_other_host(is_write):
    with serving(answer()) as other, serving(to(other.url, 307)) as server, pytest.raises(ContractError):
        HttpClient(allow_private=True).post(server.url, data={"client_secret": "x"}, is_write=is_write)
    assert other.connections == 0


def test_a_redirect_loop_ends():
    with serving(to("/")) as server, pytest.raises(ContractError, match="too many"):
        HttpClient(allow_private=True).get(server.url)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{p}/",
        "http://localhost:{p}/",
        "http://[::1]/",
        "//127.0.0.1:{p}/",
        "http://169.254.169.254/",
        "http://u:p@{host}/b",
        "file:///etc/passwd",
        "ftp://{host}/",
        "http://2130706433:{p}/",
        "http://rebind.example/",
    ],
)
def test_a_redirect_into_the_private_network_is_refused_unheard(location):
    """The first host is an exception of the operator, so that it can be played here."""
    with serving(answer()) as canary, RawServer(lambda received: [to(target)]) as server:
        host = f"shop.example:{server.port}"
        target = location.replace("{p}", str(canary.port)).replace("{host}", host)
        client = HttpClient(allowed_hosts=[host], resolve=lambda name, port: ["127.0.0.1"])
        with pytest.raises(DataError) as caught:
            client.get(f"http://{host}/")
    assert caught.value.code == "connector.address_refused"
    assert canary.connections == 0
    assert len(server.requests) == 1


def test_a_redirect_that_says_not_where_to_is_no_answer():
    with serving(answer(302)) as server, pytest.raises(ContractError):
        HttpClient(allow_private=True).get(server.url)


def test_cookies_are_not_kept():
    with serving(answer(200, Set_Cookie="session=abc; Path=/")) as server:
        client = HttpClient(allow_private=True)
        client.get(server.url)
        client.get(server.url)
    assert "cookie" not in server.requests[1].headers
