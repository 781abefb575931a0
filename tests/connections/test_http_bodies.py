"""JSON in answers and requests: exact, tolerant of sloppy shops, not of hostile ones."""

from decimal import Decimal

import pytest

from connections.connectors.errors import ContractError
from connections.connectors.http import HttpClient
from tests.connections.raw_server import answer, serving


def read(body: bytes):
    with serving(answer(200, body)) as server:
        return HttpClient(allow_private=True).get(server.url).json()


NOTICES = (
    b"<br />\n<b>Notice</b>:  Undefined index: a[b] {x} in <b>/wp/x.php</b> on line <b>3</b><br />\n"
    b"<br />\n<b>Deprecated</b>:  Old {thing} in <b>/wp/y.php</b> on line <b>9</b><br />\n"
)


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xef\xbb\xbf",
        b" \n\t",
        NOTICES,
        b"\nWarning: foo() expects [1] in /x.php on line 3\n",
        b"\xef\xbb\xbf" + NOTICES,
    ],
)
def test_json_is_found_behind_marks_blanks_and_notices(before):
    assert read(before + b'{"total": 12.30, "n": 1}') == {"total": Decimal("12.30"), "n": 1}


def test_amounts_keep_every_digit():
    assert str(read(b'{"total": 1234567890.1234567890}')["total"]) == "1234567890.1234567890"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Maintenance</body></html>",
        b'{"a": 1',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999999999}',
        b'{"a": 1e-999999999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 500 + b"]" * 500,
        b'{"a": 1} trailing',
        b"\xff\xfe{\x00}\x00",
        b'Hello {"a": 1}',
        NOTICES,
        NOTICES + b"[" * 50_000,
    ],
)
def test_what_is_not_json_is_not_what_was_documented(body):
    with pytest.raises(ContractError):
        read(body)


def test_the_beginning_of_a_strange_answer_is_told_masked():
    with pytest.raises(ContractError) as caught:
        read(b"<html>Contact jan@shop.nl " + b"x" * 5000)
    assert "<html>Contact ***" in caught.value.detail
    assert len(caught.value.detail) < 300


def sent(value) -> bytes:
    with serving(answer()) as server:
        HttpClient(allow_private=True).post(server.url, json=value)
    assert server.requests[0].headers["content-type"] == "application/json"
    return server.requests[0].body


def test_amounts_are_sent_as_exact_numbers():
    assert sent({"price": Decimal("19.99"), "tax": Decimal("0.10"), "n": 3}) == b'{"price":19.99,"tax":0.10,"n":3}'


@pytest.mark.parametrize("value", [float("nan"), Decimal("NaN"), object()])
def test_what_json_cannot_hold_is_not_sent(value):
    with serving(answer()) as server, pytest.raises((ValueError, TypeError)):
        HttpClient(allow_private=True).post(server.url, json={"a": value})
    assert server.requests == []


def test_an_amount_of_any_length_is_sent_whole():
    assert sent([Decimal("-0.1234567890123456789"), Decimal("1E+3")]) == b"[-0.1234567890123456789,1000]"


def test_forms_and_bytes_are_sent_as_given():
    with serving(answer()) as server:
        client = HttpClient(allow_private=True)
        client.post(server.url, data={"grant_type": "client_credentials", "scope": "a b"}, is_write=False)
        client.post(server.url, data=b"\x00\x01", headers={"Content-Type": "application/pdf"})
    assert server.requests[0].body == b"grant_type=client_credentials&scope=a+b"
    assert server.requests[1].body == b"\x00\x01"


def test_an_empty_object_is_a_body():
    assert sent({}) == b"{}"


def test_user_name_and_password_may_hold_any_character():
    with serving(answer()) as server:
        HttpClient(allow_private=True).get(server.url, auth=("jan€", "wachtwoord€"))
    assert server.requests[0].headers["authorization"].startswith("Basic ")
