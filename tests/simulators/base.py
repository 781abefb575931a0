"""What every simulated remote shares: a real HTTP server, faults, a clock and a ledger.

A simulator is written from the vendor's documentation and imports nothing of ours. It is served by
a threaded server on a loopback port, so that sockets, time-outs and cut answers are real. It never
de-duplicates, refuses a repeat or finds by reference unless the vendor says that the remote does.
"""

from __future__ import annotations

import contextlib
import email
import json
import random
import re
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.policy import HTTP
from enum import Enum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit


@dataclass(slots=True)
class Request:
    method: str
    path: str  # without the query string
    query: dict[str, str]
    headers: Mapping[str, str]  # case-insensitive (email.message.Message)
    body: bytes
    url: str

    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any, status: int = 200, content_type: str = "application/json", **headers: str) -> Response:
        """A JSON answer; Decimals are written as numbers, exactly."""
        return cls(status, dump(data), {"Content-Type": content_type, **headers})

    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)


class Fault(Enum):
    """What may go wrong on the way. *_BEFORE: nothing is executed; the others: executed, then cut."""

    ERROR_500_BEFORE = "500 before"
    ERROR_503_BEFORE = "503 before"
    RATE_LIMIT = "429"
    RESET_BEFORE = "reset before"
    HANG_BEFORE = "hang before"
    FORBIDDEN_HTML = "403 with HTML"
    HANG_AFTER = "hang after"
    RESET_AFTER = "reset after"
    BAD_GATEWAY_AFTER = "502 after"
    GATEWAY_TIMEOUT_AFTER = "504 after"
    TRUNCATED = "truncated"
    HTML_200 = "200 with HTML"
    BROKEN_JSON = "broken JSON"
    OTHER_JSON = "200 with JSON of another kind"

    @property
    def executes(self) -> bool:
        return self not in _BEFORE


_BEFORE = {
    Fault.ERROR_500_BEFORE,
    Fault.ERROR_503_BEFORE,
    Fault.RATE_LIMIT,
    Fault.RESET_BEFORE,
    Fault.HANG_BEFORE,
    Fault.FORBIDDEN_HTML,
}


@dataclass(frozen=True, slots=True)
class Effect:
    """Something the remote really did, in the order it did it."""

    kind: str  # "create_order", "ship", "cancel", …
    subject: str  # the remote's id of what it was done to
    reference: str  # whatever reference the caller sent along
    at: datetime
    data: Any = None


class Validator(Protocol):
    """Checks an exchange against the vendor's own description; see validation.py."""

    def check(self, request: Request, response: Response) -> None: ...


@dataclass(slots=True)
class _Plan:
    pattern: re.Pattern[str]
    faults: Sequence[Fault]  # one of them; none: executed late
    times: float
    seconds: float
    share: float = 1.0


class Simulator:
    """Base class: subclasses declare routes with @route and hold their state under `self.lock`."""

    name = "simulator"
    routes: list[tuple[str, re.Pattern[str], str]]

    def __init__(self, validator: Validator | None = None) -> None:
        self.lock = threading.RLock()
        self.ledger: list[Effect] = []
        self.requests: list[str] = []  # "POST /path", as they came in
        self.arrivals: list[str] = []  # the same, with those that met a fault before they were executed
        self.validator = validator
        self.url = ""  # set while served
        self.pause = 0.0  # seconds before each answer
        self.list_lag = timedelta(0)  # lists and searches do not show what is younger than this
        self.clock_error = timedelta(0)  # by how much its clock differs from the callers'
        self._offset = timedelta(0)
        self.chance = random.Random()
        self.faults: Counter[str] = Counter()  # how often each was met
        self.late = 0  # requests that are still to be executed though the client hung up
        self._plans: list[_Plan] = []
        self._server: _Server | None = None
        self._released = threading.Event()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.routes = [
            (method, re.compile(pattern + r"\Z"), name)
            for name in dir(cls)
            for method, pattern in getattr(getattr(cls, name), "_routes", ())
        ]

    # -- clock -------------------------------------------------------------------------------
    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, **delta: float) -> None:
        """Time passes, e.g. advance(minutes=6), for the callers as well: signatures stay timely."""
        self._offset += timedelta(**delta)

    def set_clock(self, now: datetime) -> None:
        """Make this remote's clock show `now`, whatever the callers' clocks show."""
        moved = now - self.now()
        self._offset += moved
        self.clock_error += moved

    # -- faults ------------------------------------------------------------------------------
    def fail(self, pattern: str, fault: Fault, *, times: int = 1, seconds: float = 2.0) -> None:
        """The next `times` requests whose "METHOD /path" matches `pattern` meet this fault.
        `seconds` is how long a HANG holds the line."""
        with self.lock:
            self._plans.append(_Plan(re.compile(pattern), [fault], times, seconds))

    def fail_often(self, pattern: str, faults: Sequence[Fault], *, share: float, seconds: float = 2.0) -> None:
        """From now on this share of such requests meets one of the faults, whichever chance picks."""
        with self.lock:
            self._plans.append(_Plan(re.compile(pattern), faults, float("inf"), seconds, share))

    def execute_late(self, pattern: str, *, share: float, seconds: float) -> None:
        """From now on this share of such requests is executed up to `seconds` after the client gave up."""
        with self.lock:
            self._plans.append(_Plan(re.compile(pattern), [], float("inf"), seconds, share))

    def heal(self) -> None:
        with self.lock:
            self._plans.clear()

    def line(self, request: Request) -> str:
        """What patterns of faults are compared with."""
        return f"{request.method} {request.path}"

    def _fault_for(self, line: str) -> tuple[Fault | None, float] | None:
        """The fault and its seconds; (None, seconds) for a late execution, None if all goes well."""
        with self.lock:
            self.arrivals.append(line)
            for plan in self._plans:
                if plan.times > 0 and plan.pattern.search(line) and self.chance.random() < plan.share:
                    plan.times -= 1
                    fault = self.chance.choice(plan.faults) if plan.faults else None
                    self.faults[fault.value if fault else "executed late"] += 1
                    return fault, plan.seconds
        return None

    # -- ledger ------------------------------------------------------------------------------
    def record(self, kind: str, subject: str, reference: str = "", data: Any = None) -> None:
        with self.lock:
            self.ledger.append(Effect(kind, subject, reference, self.now(), data))

    def effects(self, kind: str) -> list[Effect]:
        with self.lock:
            return [effect for effect in self.ledger if effect.kind == kind]

    # -- answering ---------------------------------------------------------------------------
    def handle(self, request: Request) -> Response:
        """Find the route, authenticate, answer. Unknown paths are 404 in the remote's own form."""
        for method, pattern, name in self.routes:
            match = pattern.match(request.path)
            if match and method == request.method:
                refused = self.authenticate(request)
                if refused is not None:
                    return refused
                return getattr(self, name)(request, **match.groupdict())
        return self.not_found(request)

    def authenticate(self, request: Request) -> Response | None:
        """An answer that refuses the request, or None to go on."""
        return None

    def not_found(self, request: Request) -> Response:
        return Response.of({"message": "Not found"}, 404)

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.requests.append(f"{request.method} {request.path}")
        response = self.handle(request)
        if self.validator is not None:
            self.validator.check(request, response)
        return response

    # -- serving -----------------------------------------------------------------------------
    def start(self, port: int = 0) -> str:
        """Serve on a loopback port in the background; returns the address."""
        self._released.clear()
        self._server = _Server(self, port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name=self.name).start()
        return self.url

    def stop(self) -> None:
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @contextlib.contextmanager
    def served(self, port: int = 0) -> Iterator[str]:
        try:
            yield self.start(port)
        finally:
            self.stop()

    def wait(self, seconds: float) -> None:
        """Hold the line; ends at once when the simulator stops."""
        self._released.wait(seconds)


def route(method: str, pattern: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Declare a handler: `@route("GET", r"/orders/(?P<order_id>[^/]+)")`."""

    def mark(handler: Callable[..., Response]) -> Callable[..., Response]:
        handler._routes = [*getattr(handler, "_routes", []), (method, pattern)]  # type: ignore[attr-defined]
        return handler

    return mark


def multipart(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """The files of a form: {field: (filename, content)}, exactly as they were sent."""
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    found = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        found[str(name)] = (part.get_filename() or "", part.get_payload(decode=True) or b"")
    return found


_MARKED = re.compile(r'"@decimal:(-?[0-9.]+)@"')


def dump(data: Any) -> bytes:
    """JSON with Decimals as exact numbers (json writes floats only)."""
    text = json.dumps(data, default=lambda value: f"@decimal:{value:f}@")
    return _MARKED.sub(r"\1", text).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of the game; anything else is printed as usual."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body in one packet: two would wait 40 ms for each other
    server: _Server

    def log_message(self, *args: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header follows this remote's own clock."""
        return super().date_time_string(timestamp or self.server.simulator.now().timestamp())

    def _serve(self) -> None:
        simulator = self.server.simulator
        request = self._read()
        if simulator.pause:
            simulator.wait(simulator.pause)
        found = simulator._fault_for(simulator.line(request))
        if found is None:
            self._send(self._answer(simulator, request))
            return
        fault, seconds = found
        if fault is None:
            self._execute_late(simulator, request, seconds)
            return
        response = self._answer(simulator, request) if fault.executes else Response()
        self._break(simulator, fault, seconds, response)

    def _execute_late(self, simulator: Simulator, request: Request, seconds: float) -> None:
        """As a server that notices nothing: the client gives up, and up to `seconds` later it is done."""
        self.close_connection = True
        with simulator.lock:
            simulator.late += 1
        try:
            select.select([self.connection], [], [], 120)  # readable: the client hung up
            simulator.wait(simulator.chance.uniform(0, seconds))
            self._answer(simulator, request)
        finally:
            with simulator.lock:
                simulator.late -= 1

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _read(self) -> Request:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if len(body) < length:
            raise ConnectionResetError("the client died in the middle of its request")
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        url = f"{self.server.simulator.url}{self.path}"
        return Request(self.command, parts.path, query, self.headers, body, url)

    def _answer(self, simulator: Simulator, request: Request) -> Response:
        try:
            return simulator.answer(request)
        except Exception:
            import traceback

            traceback.print_exc()
            return Response(500, b"<html>simulator failed</html>", {"Content-Type": "text/html", "X-Simulator": "bug"})

    def _send(self, response: Response, *, cut_to: int | None = None) -> None:
        self.send_response(response.status, HTTPStatus(response.status).phrase)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body if cut_to is None else response.body[:cut_to])

    def _break(self, simulator: Simulator, fault: Fault, seconds: float, response: Response) -> None:
        html = {"Content-Type": "text/html; charset=utf-8"}
        page = b"<html><body><h1>Something went wrong</h1></body></html>"
        match fault:
            case Fault.ERROR_500_BEFORE:
                self._send(Response(500, page, html))
            case Fault.ERROR_503_BEFORE:
                self._send(Response(503, page, html))
            case Fault.BAD_GATEWAY_AFTER:
                self._send(Response(502, page, html))
            case Fault.GATEWAY_TIMEOUT_AFTER:
                self._send(Response(504, page, html))
            case Fault.FORBIDDEN_HTML:
                self._send(Response(403, page, html))
            case Fault.RATE_LIMIT:
                self._send(Response(429, b"{}", {"Content-Type": "application/json", "Retry-After": "7"}))
            case Fault.HTML_200:
                self._send(Response(200, page, html))
            case Fault.OTHER_JSON:
                self._send(Response.of({"message": "Welcome"}))
            case Fault.BROKEN_JSON:
                self._send(
                    Response(response.status, response.body[: len(response.body) // 2] + b"}{", response.headers)
                )
            case Fault.TRUNCATED:
                self._send(response, cut_to=len(response.body) // 2)
                self.close_connection = True
            case Fault.HANG_BEFORE | Fault.HANG_AFTER:
                simulator.wait(seconds)
                self.close_connection = True
            case Fault.RESET_BEFORE | Fault.RESET_AFTER:
                self._reset()

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)


def wait_until(condition: Callable[[], Any], seconds: float = 10.0, message: str = "condition not met") -> Any:
    """Poll until `condition()` is true; for tests of processes that run on their own."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(message)
