"""The address of a shop, as people type it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import AuthError

# Parts of addresses that people copy along with the shop's own.
TAIL = re.compile(r"/(wp-json|wp-admin|wp-login\.php|index\.php)(/.*)?\Z")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def shop_address(text: str) -> str:
    """What a person typed as the address of the shop, as scheme://host[:port][/folder].

    Raises AuthError if it cannot be an address: nothing can be reached until it is corrected.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        is_usable = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        is_usable = False
    if not is_usable:
        raise AuthError("The address of the shop is not a web address.", code="connector.address_refused")
    host = parts.netloc.lower().removesuffix(DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}{TAIL.sub('', parts.path.rstrip('/'))}"
