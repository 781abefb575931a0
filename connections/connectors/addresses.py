"""Which addresses we connect to.

Merchants type the address of their shop, so every URL, every redirect and every resolved address
passes here. `check_url` judges what is written; `addresses` judges what a name resolves to, at the
moment of connecting, and the connection is made to the very address that was judged.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from .errors import DataError, TransientError

PORTS = (80, 443, 8443)
DEFAULT_PORT = {"http": 80, "https": 443}
MAX_URL_LENGTH = 8192

# IANA IPv4 and IPv6 Special-Purpose Address Registries, read 2026-01: all that is not plain global
# unicast, also where the registry says "globally reachable" (relays and anycast helpers, no shops).
NOT_GLOBAL_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # a public number that is Azure's host inside Azure
        "169.254.0.0/16",  # link-local: metadata services of the clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT relays
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
GLOBAL_6 = IPv6Network("2000::/3")  # so no mapped, NAT64, unique local, link- or site-local, multicast
NOT_GLOBAL_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
# What `allow_private` opens: one's own machine and network. Metadata services stay closed.
PRIVATE_4 = tuple(IPv4Network(n) for n in ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
PRIVATE_6 = tuple(IPv6Network(n) for n in ("::1/128", "fc00::/7"))

LOCAL_SUFFIXES = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa", "arpa", "onion")
STRANGE = re.compile(r"\A\s|[\x00-\x1f\x7f\\]|\s\Z")
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER_LIKE = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


def resolve_name(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, in the order the system prefers. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Guard:
    """What may be connected to. Hashable: connections are pooled per guard, so one that was opened
    under looser rules is never used under stricter ones.

    `allow_private` (demo, tests) opens one's own network and every port. `allowed_hosts` are
    exceptions of the operator, "host" (usual ports) or "host:port".
    """

    allow_private: bool = False
    allowed_hosts: frozenset[str] = frozenset()
    resolve: Resolve = resolve_name

    def check_url(self, url: str) -> SplitResult:
        """Raises DataError (`connector.address_refused`) for a URL that may not be called.

        `url` is as it will be sent: the host already in its ASCII form.
        """
        parts = check_text(url)
        if not url.isascii() or " " in url:
            raise refused("the address cannot be read")
        if parts.scheme not in DEFAULT_PORT:
            raise refused("only http and https addresses can be called")
        if "@" in parts.netloc:
            raise refused("an address must not hold a user name or password")
        host = parts.hostname or ""
        self._check_host(host, parts.netloc)
        if not self._is_port_open(host, parts.port or DEFAULT_PORT[parts.scheme]):
            raise refused("only the ports 80, 443 and 8443 can be called")
        return parts

    def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Where `host` is. One address that is not allowed refuses the whole name: a name with a
        public and a private address is an attack or a broken set-up.

        Raises DataError (`connector.address_refused`), TransientError if the name is not found.
        """
        is_exempt = self._is_exempt(host, port)
        found = [_read(text) for text in self._resolve(host, port)]
        if not found:
            raise TransientError(f"{host} has no address", code="connector.unreachable", was_sent=False)
        if not is_exempt and not all(self._is_allowed(address) for address in found):
            raise refused(f"{host} is not a public address")
        return found

    def _resolve(self, host: str, port: int) -> Sequence[str]:
        if _literal(host) is not None:
            return [host]
        try:
            return self.resolve(host, port)
        except (OSError, UnicodeError):
            raise TransientError(f"{host} was not found", code="connector.unreachable", was_sent=False) from None

    def _is_allowed(self, address: Address) -> bool:
        if is_global(address):
            return True
        private = PRIVATE_4 if isinstance(address, IPv4Address) else PRIVATE_6
        return self.allow_private and any(address in network for network in private)

    def _is_exempt(self, host: str, port: int) -> bool:
        return host in self.allowed_hosts or f"{host}:{port}" in self.allowed_hosts

    def _is_port_open(self, host: str, port: int) -> bool:
        return port in PORTS or self.allow_private or f"{host}:{port}" in self.allowed_hosts

    def _check_host(self, host: str, netloc: str) -> None:
        if not host or "%" in netloc:
            raise refused("the address has no readable host")
        literal = _literal(host)
        if literal is not None:
            if not self._is_allowed(literal) and not _listed(host, self.allowed_hosts):
                raise refused(f"{host} is not a public address")
            return
        labels = host.split(".")
        if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
            raise refused("the address has no readable host")
        if NUMBER_LIKE.fullmatch(labels[-1]):  # 127.1, 0x7f000001, 2130706433, 0177.0.0.1
            raise refused("the address is a number in an unusual spelling")
        if not self.allow_private and not _listed(host, self.allowed_hosts) and _is_local_name(labels):
            raise refused(f"{host} is a name of a private network")


def is_global(address: Address) -> bool:
    """Plain global unicast; `ipaddress.is_global` differs between Python versions."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_GLOBAL_4)
    return address in GLOBAL_6 and not any(address in network for network in NOT_GLOBAL_6)


def check_text(url: str) -> SplitResult:
    """`url` as it was typed, before anything repairs it: what parsers read differently is refused."""
    if len(url) > MAX_URL_LENGTH or STRANGE.search(url):
        raise refused("the address has characters or a length that no web address has")
    try:
        parts = urlsplit(url)
        is_port_zero = parts.port == 0
    except ValueError:
        is_port_zero = True
    if is_port_zero:
        raise refused("the address cannot be read")
    return parts


def refused(detail: str) -> DataError:
    return DataError(detail, code="connector.address_refused")


def _listed(host: str, allowed: frozenset[str]) -> bool:
    return any(entry == host or entry.rpartition(":")[0] == host for entry in allowed)


def _is_local_name(labels: Sequence[str]) -> bool:
    name = ".".join(labels)
    return len(labels) == 1 or any(name == suffix or name.endswith(f".{suffix}") for suffix in LOCAL_SUFFIXES)


def _literal(host: str) -> Address | None:
    try:
        return IPv6Address(host) if ":" in host else IPv4Address(host)
    except AddressValueError:
        return None


def _read(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise refused("the name resolves to something that is no address") from None
