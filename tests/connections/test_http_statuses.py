"""What each status means, what is retried, and what the recorder gets."""

import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connections.connectors.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    DataError,
    RateLimited,
    TransientError,
)
from connections.connectors.http import HttpClient
from tests.connections.raw_server import RawServer, answer, serving

PAGE = {"Content_Type": "text/html; charset=UTF-8"}


def failure(status: int, method: str = "POST", body: bytes = b"{}", **headers: str) -> ConnectorError:
    with serving(answer(status, body, **headers)) as server, pytest.raises(ConnectorError) as caught:
        HttpClient(allow_private=True).request(method, server.url)
    return caught.value


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [
        (400, DataError, "connector.refused"),
        (401, AuthError, "connector.auth"),
        (403, AuthError, "connector.auth"),
        (404, DataError, "connector.refused"),
        (405, DataError, "connector.refused"),
        (408, TransientError, "connector.transient"),
        (409, DataError, "connector.refused"),
        (413, DataError, "connector.refused"),
        (422, DataError, "connector.refused"),
        (425, TransientError, "connector.transient"),
        (429, RateLimited, "connector.rate_limited"),
        (500, TransientError, "connector.transient"),
        (502, TransientError, "connector.transient"),
        (503, TransientError, "connector.transient"),
        (504, TransientError, "connector.transient"),
        (520, TransientError, "connector.transient"),
        (304, ContractError, "connector.contract"),
    ],
)
def test_a_status_tells_what_happens_next(status, expected, code):
    error = failure(status)
    assert type(error) is expected
    assert (error.code, error.status) == (code, status)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_write_that_the_remote_failed_may_have_been_executed(status):
    assert failure(status).was_sent


@pytest.mark.parametrize("status", [403, 406])
def test_a_page_of_a_firewall_does_not_ask_for_new_keys(status):
    error = failure(status, body=b"<!DOCTYPE html><title>Just a moment...</title>", **PAGE)
    assert isinstance(error, TransientError)
    assert error.code == "connector.blocked"


def test_a_password_before_the_whole_shop_asks_for_other_keys():
    assert isinstance(failure(401, body=b"<html>401</html>", **PAGE), AuthError)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0", 1), ("-5", 60), ("999999", 3600), ("1.5", 1.5), ("soon", 60), ("", 60), ("9" * 400, 3600)],
)
def test_retry_after_is_kept_within_bounds(value, seconds):
    assert failure(429, Retry_After=value).retry_after == seconds


def test_retry_after_may_be_a_date():
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < failure(429, Retry_After=moment).retry_after <= 90
    assert failure(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT").retry_after == 1


def test_a_503_with_retry_after_slows_reads_and_leaves_writes_unknown():
    assert isinstance(failure(503, "GET", Retry_After="9"), RateLimited)
    write = failure(503, "POST", Retry_After="9")
    assert isinstance(write, TransientError)
    assert write.was_sent


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_read_is_tried_three_times(status):
    with serving(answer(status)) as server, pytest.raises(TransientError):
        HttpClient(allow_private=True).get(server.url)
    assert len(server.requests) == 3


def test_a_read_that_works_the_second_time_is_no_failure():
    recorded = []
    with RawServer(lambda received: [answer(503 if len(server.requests) == 1 else 200)]) as server:
        assert HttpClient(allow_private=True, record=recorded.append).get(server.url).status == 200
    assert recorded == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_is_sent_once(status, method):
    with serving(answer(status)) as server, pytest.raises(ConnectorError):
        HttpClient(allow_private=True).request(method, server.url)
    assert len(server.requests) == 1


def test_a_query_sent_by_post_is_a_read():
    with serving(answer(503)) as server, pytest.raises(TransientError):
        HttpClient(allow_private=True).post(server.url, json={"query": "{x}"}, is_write=False)
    assert len(server.requests) == 3


def test_accepted_statuses_are_returned():
    with serving(answer(404, b'{"code": "gone"}')) as server:
        response = HttpClient(allow_private=True).get(server.url, accept={404})
    assert (response.status, response.json()) == (404, {"code": "gone"})


def test_the_recorder_gets_writes_and_failures_masked():
    recorded = []
    with RawServer(lambda received: [answer(400 if "bad" in received.target else 201, X_Request_Id="r-1")]) as server:
        client = HttpClient(allow_private=True, record=recorded.append, secrets=["s3cr3t-value"])
        client.get(server.url + "/fine")
        client.post(server.url + "/new?consumer_key=ck1", json={"email": "jan@shop.nl", "n": "s3cr3t-value"})
        with pytest.raises(DataError):
            client.get(server.url + "/bad", headers={"Authorization": "Bearer tok-12345678"})
    assert [(e.method, e.status, e.is_write, e.request_id) for e in recorded] == [
        ("POST", 201, True, "r-1"),
        ("GET", 400, False, "r-1"),
    ]
    assert recorded[0].url == f"{server.url}/new?consumer_key=***"
    assert recorded[0].request_body == '{"email":"***","n":"***"}'
    assert recorded[0].started_at.tzinfo is UTC
    assert recorded[1].error.startswith("connector.refused: 400")


def test_a_failure_without_an_answer_is_recorded_too():
    recorded = []
    with pytest.raises(TransientError):
        HttpClient(allow_private=True, record=recorded.append).post("http://127.0.0.1:1/x")
    assert (recorded[0].status, recorded[0].response_body) == (None, "")


def test_no_secret_in_errors_reprs_or_logs(caplog):
    caplog.set_level("DEBUG")
    secrets = ["pass:w/rd+é", "tok-abcdefgh", "qs-secret-1"]
    told = b'{"message": "wrong: tok-abcdefgh pass:w/rd+\\u00e9 qs-secret-1"}'
    recorded = []
    with serving(answer(400, told)) as server:
        client = HttpClient(allow_private=True, record=recorded.append, secrets=secrets)
        options = {"auth": ("ck_1", secrets[0]), "headers": {"X-Api-Key": secrets[1]}, "params": {"q": secrets[2]}}
        with pytest.raises(DataError) as caught:
            client.get(server.url, **options)
        accepted = client.get(server.url, accept={400}, **options)
    seen = "".join(
        map(
            str,
            (
                "".join(traceback.format_exception(caught.value)),
                repr(accepted),
                recorded,
                caplog.text,
                repr(client),
                vars(caught.value),
            ),
        )
    )
    assert [secret for secret in [*secrets, "\\u00e9", "w%2Frd"] if secret in seen] == []


def test_our_reference_stays_readable_in_what_is_recorded():
    recorded = []
    with serving(answer(201)) as server:
        client = HttpClient(allow_private=True, record=recorded.append)
        client.post(server.url, json={"ref": "bol-4711-0001"}, headers={"Idempotency-Key": "bol-4711-0001"})
    assert recorded[0].request_body == '{"ref":"bol-4711-0001"}'


def test_a_key_that_cannot_be_sent_is_a_wrong_key():
    for headers in ({"Authorization": "Bearer a\nb-hidden"}, {"Authorization": "Bearer …-hidden"}):
        with pytest.raises(AuthError) as caught:
            HttpClient().get("https://shop.example/", headers=headers)
        assert "hidden" not in str(caught.value)


def test_the_pace_is_told_of_every_answer():
    told = []
    with serving(answer(429, X_Left="3")) as server, pytest.raises(RateLimited):
        HttpClient(allow_private=True, pace=lambda headers, status: told.append((headers["x-left"], status))).get(
            server.url
        )
    assert told == [("3", 429)]
