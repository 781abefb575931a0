"""The HTTP client handed to every connector.

It guards addresses, caps time and size, follows redirects itself, and turns whatever goes wrong into
one of the five errors. Reads are tried up to three times; a write is never repeated, and its failure
says whether it may have been executed (`TransientError.was_sent`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import Timeout
from urllib3.exceptions import DecodeError, HTTPError

from channable.core.redact import is_sensitive_key, redact, redact_url

from .addresses import Guard, Resolve, check_text, refused, resolve_name
from .bodies import dump_json, load_json
from .errors import AuthError, ConnectorError, ContractError, TransientError
from .statuses import error_for, explain_failure
from .transport import Session, deadline
from .types import JSON

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
READ_PAUSES = (0.1, 0.3)  # seconds before the second and third try of a read
RETRIED_STATUSES = frozenset({502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
# Sent on to another host; every other header could be a credential.
HARMLESS_HEADERS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
# What is a file and no text of an API: an upload, a document, an image.
FILE = re.compile(r"multipart/|image/|application/(?:octet-stream|[\w.+-]*pdf)", re.IGNORECASE)
REQUEST_ID_HEADERS = ("x-request-id", "x-amzn-requestid", "request-id", "x-correlation-id", "x-trace-id", "cf-ray")

Params = Mapping[str, Any] | Sequence[tuple[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as it happened, masked: no credentials, no personal data."""

    method: str
    url: str
    status: int | None  # None: no answer
    started_at: datetime  # UTC
    duration_ms: int
    request_id: str  # the remote's own
    request_body: str
    response_body: str
    error: str  # code and detail, "" if all went well
    is_write: bool


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that was read whole. `url` is where it came from, after redirects, masked."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # any case of the name finds it
    body: bytes = field(repr=False)
    url: str
    request_id: str
    secrets: Collection[str] = field(default=(), repr=False)

    def text(self) -> str:
        """The body as UTF-8; what isn't becomes U+FFFD."""
        return self.body.decode("utf-8-sig", "replace")

    def json(self) -> JSON:
        """The body as JSON, fractions as Decimal. Raises ContractError with its beginning, masked."""
        try:
            return load_json(self.text())
        except (ValueError, RecursionError) as error:
            start = redact(self.body[:2000], secrets=self.secrets)[:200]
            raise ContractError(
                f"the answer is not JSON ({type(error).__name__}): {start!r}",
                request_id=self.request_id,
                status=self.status,
            ) from None


@dataclass(slots=True)
class _Call:
    """One request on its way through tries and redirects."""

    method: str
    prepared: requests.PreparedRequest
    is_write: bool
    accept: Collection[int]
    max_bytes: int
    connect_timeout: float
    read_timeout: float
    until: float  # time.monotonic
    started_at: datetime
    started: float
    secrets: Collection[str]
    answer: Response | None = None  # the last one, for the recorder
    is_stripped: bool = False  # redirected to another host, credentials left behind


class HttpClient:
    """`record` gets every write and every failed call; `time_left` the seconds the caller's lease
    still has; `pace` the headers and status of every answer; `secrets` are masked wherever they show.

    Methods raise only the five errors of `errors.py`; but a body that JSON has no form for is our own
    mistake, a ValueError or TypeError.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        allowed_hosts: Collection[str] = (),
        record: Callable[[Exchange], None] | None = None,
        time_left: Callable[[], float] | None = None,
        pace: Callable[[Mapping[str, str], int], None] | None = None,
        secrets: Collection[str] = (),
        resolve: Resolve = resolve_name,
    ) -> None:
        self._guard = Guard(allow_private, frozenset(host.lower() for host in allowed_hosts), resolve)
        self._session = Session(self._guard)
        self._record = record
        self._time_left = time_left
        self._pace = pace
        self._secrets = frozenset(secret for secret in secrets if secret)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Params = None,
        json: JSON = None,
        data: bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        is_write: bool | None = None,
        accept: Collection[int] = (),
        max_bytes: int = 20_000_000,
        connect_timeout: float = 5,
        read_timeout: float = 25,
        total_timeout: float = 40,
    ) -> Response:
        """Send and return the answer if its status is 2xx or in `accept`.

        `is_write` says whether a repetition could do harm; by default all but GET, HEAD and OPTIONS.
        Time-outs in seconds; `total_timeout` covers tries, redirects and the whole body.
        `max_bytes` counts the decoded body.
        """
        method = method.upper()
        secrets = self._secrets | _credentials(headers, auth)
        call = _Call(
            method=method,
            prepared=self._prepare(method, url, params=params, json=json, data=data, headers=headers, auth=auth),
            is_write=method not in READ_METHODS if is_write is None else is_write,
            accept=accept,
            max_bytes=max_bytes,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            until=time.monotonic() + self._cap(total_timeout),
            started_at=datetime.now(UTC),
            started=time.monotonic(),
            secrets=secrets,
        )
        token = deadline.set(call.until)
        try:
            response = self._try(call)
        except ConnectorError as error:
            self._keep(call, error)
            raise
        finally:
            deadline.reset(token)
        if call.is_write:
            self._keep(call, None)
        return response

    def get(self, url: str, **options: Any) -> Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> Response:
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> Response:
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> Response:
        return self.request("DELETE", url, **options)

    # -- building

    def _prepare(
        self,
        method: str,
        url: str,
        *,
        params: Params,
        json: JSON,
        data: bytes | Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
    ) -> requests.PreparedRequest:
        """The request as it will be sent. Error texts of requests may quote a header, so none is kept."""
        check_text(url)
        all_headers = dict(headers or {})
        body: Any = data
        if json is not None:
            body = dump_json(json)
            all_headers.setdefault("Content-Type", "application/json")
        try:
            for name, value in all_headers.items():
                f"{name}{value}".encode("latin-1")
            login = (auth[0].encode(), auth[1].encode()) if auth else None
            request = requests.Request(method, url, headers=all_headers, params=params, data=body, auth=login)
            prepared = self._session.prepare_request(request)
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            raise AuthError("a credential holds characters that cannot be sent") from None
        except (requests.RequestException, ValueError):
            raise refused("the address cannot be read") from None
        self._guard.check_url(str(prepared.url))
        return prepared

    def _cap(self, total_timeout: float) -> float:
        if self._time_left is None:
            return total_timeout
        left = self._time_left()
        if left < 1:
            raise TransientError("no time left for another call", code="connector.out_of_time", was_sent=False)
        return min(total_timeout, left)

    # -- sending

    def _try(self, call: _Call) -> Response:
        pauses = () if call.is_write else READ_PAUSES
        for pause in pauses:
            try:
                return self._follow(call)
            except TransientError as error:
                if not _is_worth_another_try(error) or time.monotonic() + pause + 1 > call.until:
                    raise
            time.sleep(pause)
        return self._follow(call)

    def _follow(self, call: _Call) -> Response:
        """The answer at the end of the redirects."""
        prepared = call.prepared
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(call, prepared)
            if response.status not in REDIRECTS or response.status in call.accept:
                return self._judge(call, response)
            prepared = self._redirected(call, prepared, response)
        raise ContractError("too many redirects", status=response.status, request_id=response.request_id)

    def _judge(self, call: _Call, response: Response) -> Response:
        if 200 <= response.status < 300 or response.status in call.accept:
            return response
        hint = f" (redirected to {response.url}, where no credentials are sent)" if call.is_stripped else ""
        raise error_for(response, hint=hint, is_write=call.is_write)

    def _redirected(
        self, call: _Call, prepared: requests.PreparedRequest, response: Response
    ) -> requests.PreparedRequest:
        """The next request. What carries a body stays on its host; credentials too."""
        target = urljoin(str(prepared.url), response.headers.get("Location", "")).partition("#")[0]
        where = f"the address redirects to {redact_url(target, secrets=call.secrets)}"
        status, request_id = response.status, response.request_id
        if not response.headers.get("Location"):
            raise ContractError("a redirect that says not where to", status=status, request_id=request_id)
        check_text(target)
        following = prepared.copy()
        try:
            following.prepare_url(target, None)
        except (requests.RequestException, ValueError):
            raise refused("the address redirects to one that cannot be read") from None
        new, old = self._guard.check_url(str(following.url)), self._guard.check_url(str(prepared.url))
        is_same = (new.scheme, new.netloc) == (old.scheme, old.netloc)
        if new.scheme == "http" and old.scheme == "https":
            raise ContractError(f"{where}, which is not encrypted", status=status, request_id=request_id)
        if call.method not in {"GET", "HEAD"} and not (is_same and status in {307, 308}):
            raise ContractError(f"{where}; use that address", status=status, request_id=request_id)
        if not is_same:
            if any(secret in target for secret in call.secrets):
                raise ContractError(f"{where} with credentials in it", status=status, request_id=request_id)
            call.is_stripped = True
            for name in [name for name in following.headers if name.lower() not in HARMLESS_HEADERS]:
                del following.headers[name]
        return following

    def _send(self, call: _Call, prepared: requests.PreparedRequest) -> Response:
        left = call.until - time.monotonic()
        if left <= 0:
            raise TransientError("no time left for another call", code="connector.out_of_time", was_sent=False)
        timeout = Timeout(connect=min(call.connect_timeout, left), read=min(call.read_timeout, left))
        try:
            # requests passes urllib3's Timeout through as it is
            raw = self._session.send(prepared, stream=True, timeout=timeout)  # type: ignore[arg-type]
            response = self._read(call, raw)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise explain_failure(error) from None
        call.answer = response
        if self._pace:
            self._pace(response.headers, response.status)
        return response

    def _read(self, call: _Call, raw: requests.Response) -> Response:
        """The whole body, decoded. A connection that was not read to its end is closed, not pooled."""
        headers = CaseInsensitiveDict(raw.headers)
        request_id = next((headers[name][:100] for name in REQUEST_ID_HEADERS if headers.get(name)), "")
        chunks, size = [], 0
        try:
            for chunk in raw.raw.stream(65536, decode_content=True):
                size += len(chunk)
                if size > call.max_bytes:
                    raise ContractError(
                        f"the answer is larger than {call.max_bytes} bytes",
                        status=raw.status_code,
                        request_id=request_id,
                    )
                chunks.append(chunk)
        except DecodeError:
            raise ContractError(
                "the answer's compression is broken", status=raw.status_code, request_id=request_id
            ) from None
        finally:
            raw.close()
        url = redact_url(str(raw.url), secrets=call.secrets)
        return Response(raw.status_code, headers, b"".join(chunks), url, request_id, call.secrets)

    # -- recording

    def _keep(self, call: _Call, error: ConnectorError | None) -> None:
        if self._record is None:
            return
        answer = call.answer
        self._record(
            Exchange(
                method=call.method,
                url=redact_url(str(call.prepared.url), secrets=call.secrets),
                status=error.status if error else (answer.status if answer else None),
                started_at=call.started_at,
                duration_ms=round((time.monotonic() - call.started) * 1000),
                request_id=(error.request_id if error else "") or (answer.request_id if answer else ""),
                request_body=_kept(call.prepared.body, call.prepared.headers, call.secrets),
                response_body=_kept(answer.body, answer.headers, call.secrets) if answer else "",
                error=f"{error.code}: {error.detail}" if error else "",
                is_write=call.is_write,
            )
        )


def _kept(body: str | bytes | None, headers: Mapping[str, str], secrets: Collection[str]) -> str:
    """A body as it may be kept. Of a file only its size: what stands in it can't be told apart and masked."""
    if FILE.match(headers.get("Content-Type", "")):
        return f"({len(body or b'')} bytes of a file)"
    return redact(body, secrets=secrets)


def _is_worth_another_try(error: TransientError) -> bool:
    """A read that waited for a time-out has waited enough."""
    if error.status is not None:
        return error.status in RETRIED_STATUSES
    return error.code in {"connector.unreachable", "connector.cut"}


def _credentials(headers: Mapping[str, str] | None, auth: tuple[str, str] | None) -> frozenset[str]:
    """What this one request carries that must not be seen: also the bare token of "Bearer …"."""
    found = {auth[1], ":".join(auth)} if auth else set()
    for name, value in (headers or {}).items():
        if is_sensitive_key(name):
            found |= {value, value.partition(" ")[2]}
    return frozenset(secret for secret in found if secret)
