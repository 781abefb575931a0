"""OAuth 1.0a with one leg (RFC 5849), as WooCommerce wants it where the shop has no HTTPS.

There is no token, only the consumer key and secret; everything travels in the query string.
Source: WooCommerce REST API v3, "Authentication over HTTP". Pure: time and nonce are arguments.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def encode(text: str) -> str:
    """Percent-encoding of RFC 3986 on UTF-8: only letters, digits and -._~ stay (RFC 5849, 3.6)."""
    return quote(text, safe="-._~")


def base_uri(url: str) -> str:
    """Scheme and host in lower case, no default port, no query (RFC 5849, 3.4.1.2)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.port and parts.port != DEFAULT_PORTS.get(parts.scheme.lower()):
        host = f"{host}:{parts.port}"
    return f"{parts.scheme.lower()}://{host}{parts.path or '/'}"


def base_string(method: str, url: str, params: Mapping[str, str]) -> str:
    """What is signed (RFC 5849, 3.4.1): parameters encoded first, then sorted."""
    pairs = sorted((encode(name), encode(value)) for name, value in params.items() if name != "oauth_signature")
    normalised = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), encode(base_uri(url)), encode(normalised)))


def signature(method: str, url: str, params: Mapping[str, str], secret: str, *, token_secret: str = "") -> str:
    """The base64 of an HMAC with the algorithm that `oauth_signature_method` names."""
    algorithm = hashlib.sha1 if params.get("oauth_signature_method") == "HMAC-SHA1" else hashlib.sha256
    hmac_key = f"{encode(secret)}&{encode(token_secret)}".encode()
    digest = hmac.new(hmac_key, base_string(method, url, params).encode(), algorithm).digest()
    return base64.b64encode(digest).decode()


def sign(
    method: str, url: str, params: Mapping[str, str], *, key: str, secret: str, nonce: str, timestamp: int
) -> dict[str, str]:
    """`params` with the OAuth parameters added, signed. `timestamp` in seconds since 1970.

    A nonce works once within 15 minutes: sign again for every try.
    """
    signed = {
        **params,
        "oauth_consumer_key": key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(timestamp),
    }
    signed["oauth_signature"] = signature(method, url, signed, secret)
    return signed
