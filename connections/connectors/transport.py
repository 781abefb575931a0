"""Connections: one pool per process, made to checked addresses, cut at a deadline.

`requests` builds and sends; this adds what it does not do: connect to the very address that was
judged, tell "surely not sent" from "unknown", and stop an answer that drips slower than any read
time-out notices. One pool of urllib3 serves all sessions, as a Session is not for sharing.
"""

from __future__ import annotations

import functools
import http.client
import io
import logging
import socket
import ssl
import time
from collections.abc import Sequence
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolKey, _default_key_normalizer
from urllib3.util.ssl_ import create_urllib3_context

from .addresses import Address, Guard
from .errors import ConnectorError, TransientError

USER_AGENT = "Channable-Order-Sync/1.0"
POOLED_HOSTS = 200  # least recently used hosts lose their idle connections
IDLE_PER_HOST = 64  # a marketplace is one host for thousands of accounts: as many as a worker has threads
MAX_ADDRESSES = 4  # tried one after the other within the connect time-out

# Moment (time.monotonic) at which the running call must be over.
deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))

# urllib3 logs paths with their query at DEBUG, and some shops take their keys only there.
logging.getLogger("urllib3.connectionpool").addFilter(lambda record: record.levelno > logging.DEBUG)


class OutOfTime(TimeoutError):
    """The call's deadline passed while its answer was being read."""


class _DeadlineReader(io.RawIOBase):
    """Reads a socket; no single wait ends after the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until
        self._patience = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise OutOfTime("the time for this call is over")
        self._sock.settimeout(left if self._patience is None else min(left, self._patience))
        return self._raw.readinto(buffer) or 0

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_DeadlineReader(raw, sock, deadline.get()))


class _GuardedMixin:
    """A connection whose `connect` fails with one of our errors: everything that fails there was
    surely not sent, everything that fails later may have been executed."""

    guard: Guard
    sock: socket.socket | None
    _has_begun = False  # sending the present request

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        except ConnectorError:
            raise
        except ssl.SSLCertVerificationError:
            raise _unsent("its certificate is not valid", code="connector.certificate") from None
        except (OSError, HTTPError) as error:
            raise _unsent(f"no secure connection ({_name(error)})") from None

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        self._has_begun = False
        super().putrequest(*args, **kwargs)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """The last moment at which a request can be kept back. Its process may have stood still since time was
        last looked at (a paused machine), and by now others may have looked it up and sent it themselves."""
        if self.sock is None:
            self.connect()
        if time.monotonic() >= deadline.get():
            self.close()  # type: ignore[attr-defined]
            raise TransientError("its time was over", code="connector.out_of_time", was_sent=self._has_begun)
        self._has_begun = True
        super().send(data)  # type: ignore[misc]

    def _new_conn(self) -> socket.socket:
        host, port = self._dns_host, self.port  # type: ignore[attr-defined]
        found = self.guard.addresses(host, port)
        return _open(found[:MAX_ADDRESSES], port, self.timeout, self.socket_options)  # type: ignore[attr-defined]


class GuardedHTTPConnection(_GuardedMixin, HTTPConnection):
    response_class = _DeadlineResponse

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard


class GuardedHTTPSConnection(_GuardedMixin, HTTPSConnection):
    response_class = _DeadlineResponse

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guard = guard


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


def _pool_key(context: dict[str, Any]) -> tuple[Guard, PoolKey]:
    rest = dict(context)
    return rest.pop("guard"), _default_key_normalizer(PoolKey, rest)


@functools.cache
def shared_pools() -> PoolManager:
    """The one pool of this process, made at first use: after a worker has forked."""
    pools = PoolManager(POOLED_HOSTS, maxsize=IDLE_PER_HOST, ssl_context=_tls())
    pools.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    pools.key_fn_by_scheme = {"http": _pool_key, "https": _pool_key}  # type: ignore[dict-item]
    return pools


class GuardedAdapter(HTTPAdapter):
    """Sends over the shared pool, under the rules of one guard."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        self.poolmanager = shared_pools()

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        return host, {**pool, "guard": self.guard}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the pool's TLS context always verifies, and has its authorities loaded once."""

    def close(self) -> None:
        """Nothing: the pool is not this session's."""


class Session(requests.Session):
    """Nothing from the environment, no cookies, no redirects of its own (they'd be unchecked)."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.clear()
        self.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"})
        self.mount("https://", GuardedAdapter(guard))
        self.mount("http://", GuardedAdapter(guard))

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def _tls() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _open(found: Sequence[Address], port: int, patience: float, options: Any) -> socket.socket:
    """A socket to the first address that answers; they share `patience` seconds."""
    until = min(time.monotonic() + patience, deadline.get())
    for left, address in zip(range(len(found), 0, -1), found, strict=True):
        share = (until - time.monotonic()) / left
        if share <= 0:
            break
        try:
            return _connect(address, port, share, options)
        except OSError as error:
            reason = _name(error)
    raise _unsent(f"no connection ({reason})")


def _connect(address: Address, port: int, patience: float, options: Any) -> socket.socket:
    sock = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        for option in options or ():
            sock.setsockopt(*option)
        sock.settimeout(patience)
        sock.connect((str(address), port))
    except BaseException:
        sock.close()
        raise
    return sock


def _unsent(detail: str, *, code: str = "connector.unreachable") -> TransientError:
    return TransientError(detail, code=code, was_sent=False)


def _name(error: BaseException) -> str:
    return type(error).__name__
