"""One method per endpoint of the WooCommerce REST API v3 that we use. JSON in, JSON out, no meaning.

Source: WooCommerce REST API documentation, v3; "measured" means tried on WooCommerce 11.0.1.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ..errors import AuthError, ConnectorError, ContractError, DataError
from ..statuses import error_for
from ..types import JSON
from .oauth import sign

if TYPE_CHECKING:
    from ..http import HttpClient, Response

PER_PAGE = 100  # the most the API allows; 101 is answered with 400 (measured)
CORE = "/wc/v3"
SHIPMENT_TRACKING = "/wc-shipment-tracking/v3"  # the official extension
ADVANCED_SHIPMENT_TRACKING = "/wc-ast/v3"  # AST, a widespread plugin with the same shape
# Parts of addresses that people copy along with the shop's own.
TAIL = re.compile(r"/(wp-json|wp-admin|wp-login\.php|index\.php)(/.*)?\Z")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
MOVED = frozenset({301, 308})
# Parts of an order that the shop may refuse: code and reason of our error.
REFUSALS = {
    "currency": ("pricing.currency", "pricing"),
    "billing": ("address.unusable", "address_parsing"),
    "shipping": ("address.unusable", "address_parsing"),
}

Params = Mapping[str, str]


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


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list. `pages` and `total` are what the shop says it has in all."""

    rows: list[JSON]
    pages: int
    total: int
    read_at: datetime  # the shop's own clock, whole seconds


class Client:
    """Speaks to one shop. Remembers for its lifetime how the shop wants to be addressed."""

    def __init__(
        self, http: HttpClient, *, shop: str, key: str, secret: str, auth: str = "auto", permalinks: str = "auto"
    ) -> None:
        self.http = http
        self.shop = shop
        self.key = key
        self.secret = secret
        is_plain_http = shop.startswith("http://")
        self.auth = auth if auth != "auto" else ("oauth" if is_plain_http else "basic")
        self.permalinks = permalinks

    # -- orders
    def orders(self, params: Params, *, page: int = 1) -> Listing:
        return self._list(f"{CORE}/orders", params, page)

    def order(self, order_id: str) -> JSON:
        """Also answers for a trashed order. Raises DataError "order.gone" if it was deleted for good."""
        response = self._send("GET", f"{CORE}/orders/{order_id}", accept={404})
        if response.status == 404:
            self._require_woocommerce(response)
            raise DataError("The shop no longer has this order.", code="order.gone", status=404)
        return _object(response)

    def create_order(self, body: JSON) -> JSON:
        """Raises DataError "pricing.currency" or "address.unusable" where that is what the shop refuses."""
        response = self._send("POST", f"{CORE}/orders", json=body, accept={400})
        if response.status == 400:
            raise _refusal(response)
        return _object(response)

    def update_order(self, order_id: str, body: JSON) -> None:
        """An order that is gone needs no update; the shop says so with a 400 or 404."""
        response = self._send("PUT", f"{CORE}/orders/{order_id}", json=body, accept={400, 404})
        if response.status >= 400 and not _error_code(response).endswith("_invalid_id"):
            raise error_for(response, is_write=True)

    def trash_order(self, order_id: str) -> None:
        """410: it is in the trash already."""
        self._send("DELETE", f"{CORE}/orders/{order_id}", {"force": "false"}, accept={404, 410})

    def try_writing(self) -> None:
        """Raises AuthError if the keys may only read, as WooCommerce proposes when a key is made. Writes
        nothing: there is no order 0, which is looked at after the permission."""
        self._send("PUT", f"{CORE}/orders/0", json={}, accept={400, 404})

    # -- tracking
    def fulfillments(self, order_id: str) -> list[JSON] | None:
        """None where the feature "fulfillments" is off, as it is by default."""
        return self._optional(f"{CORE}/orders/{order_id}/fulfillments")

    def shipment_trackings(self, namespace: str, order_id: str) -> list[JSON] | None:
        """None where the plugin of this namespace is not installed."""
        return self._optional(f"{namespace}/orders/{order_id}/shipment-trackings")

    # -- products
    def products(self, params: Params, *, page: int = 1) -> Listing:
        return self._list(f"{CORE}/products", params, page)

    def product(self, product_id: str) -> JSON | None:
        response = self._send("GET", f"{CORE}/products/{product_id}", accept={404})
        if response.status == 404:
            self._require_woocommerce(response)
            return None
        return _object(response)

    # -- the shop itself
    def site(self) -> JSON:
        """The index of WordPress: name, home, namespaces. Public, so it says nothing of the keys."""
        return _object(self._send("GET", "/", {"_fields": "name,home,namespaces"}))

    def settings(self, group: str) -> dict[str, str] | None:
        """Values by id, of the group "general" or "tax". None if the keys may not read settings."""
        try:
            response = self._send("GET", f"{CORE}/settings/{group}")
        except (AuthError, DataError):
            return None
        return {str(row["id"]): str(row.get("value", "")) for row in _array(response) if "id" in row}

    def taxes(self, *, page: int = 1) -> Listing:
        return self._list(f"{CORE}/taxes", {"orderby": "id", "order": "asc"}, page)

    # -- how
    def _list(self, path: str, params: Params, page: int) -> Listing:
        paging = {"per_page": str(PER_PAGE), "page": str(page)}
        response = self._send("GET", path, {**paging, **params})
        rows = _array(response)
        return Listing(
            rows, _count(response, "X-WP-TotalPages"), _count(response, "X-WP-Total"), read_at=_server_time(response)
        )

    def _optional(self, path: str) -> list[JSON] | None:
        """A list that only some shops have; other 404s mean that the order itself is gone."""
        response = self._send("GET", path, accept={404})
        if response.status != 404:
            return _array(response)
        if _error_code(response) == "rest_no_route":
            return None
        raise DataError("The shop no longer has this order.", code="order.gone", status=404)

    def _require_woocommerce(self, response: Response) -> None:
        """WooCommerce says that a thing is absent with an error code of its own; any other 404 means
        that something else answered."""
        if _error_code(response) in {"", "rest_no_route"}:
            raise ContractError(
                "There is no WooCommerce at the address of the shop.", status=404, request_id=response.request_id
            )

    def _send(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        json: JSON = None,
        accept: Collection[int] = (),
    ) -> Response:
        """Ask by pretty or plain permalinks. With "auto" the first GET finds out which: with plain ones
        /wp-json/ is an ordinary web page that does not exist, so its 404 is not JSON."""
        if self.permalinks != "auto" or method != "GET":
            return self._authorised(method, path, params or {}, json=json, accept=accept)
        response = self._authorised(method, path, params or {}, accept={*accept, 404})
        if response.status == 404 and not _error_code(response):
            self.permalinks = "plain"
            return self._authorised(method, path, params or {}, accept=accept)
        self.permalinks = "pretty"
        if response.status == 404 and 404 not in accept:
            raise DataError("Not found.", code="connector.refused", status=404, request_id=response.request_id)
        return response

    def _authorised(
        self, method: str, path: str, params: Params, *, json: JSON = None, accept: Collection[int] = ()
    ) -> Response:
        """A signed read is signed anew and asked again when it is refused: a second try of the same
        signature, which the transport makes after a cut answer, is refused for its used nonce."""
        try:
            return self._once(method, path, params, json=json, accept=accept)
        except AuthError:
            if self.auth != "oauth" or method != "GET":
                raise
            return self._once(method, path, params, json=json, accept=accept)

    def _once(self, method: str, path: str, params: Params, *, json: JSON, accept: Collection[int]) -> Response:
        """Raises AuthError if the shop has moved for good to another address: keys are not sent after it,
        and only its owner can say that it is theirs."""
        response = self._request(method, path, params, json=json, accept={*accept, *MOVED})
        if response.status not in MOVED:
            return response
        target = shop_address(urljoin(f"{self.shop}/", str(response.headers.get("Location", ""))))
        if urlsplit(target)[:2] == urlsplit(self.shop)[:2]:
            return self._request(method, path, params, json=json, accept=accept)
        raise AuthError(
            f"The address of the shop leads on to {target[:200]}: enter that one.",
            code="connector.address_refused",
            status=response.status,
            request_id=response.request_id,
        )

    def _request(self, method: str, path: str, params: Params, *, json: JSON, accept: Collection[int]) -> Response:
        url, query = f"{self.shop}/wp-json{path}", dict(params)
        if self.permalinks == "plain":
            url, query = f"{self.shop}/", {"rest_route": path, **params}
        if self.auth == "query":
            query |= {"consumer_key": self.key, "consumer_secret": self.secret}
        elif self.auth == "oauth":
            nonce, timestamp = secrets.token_hex(16), int(time.time())
            query = sign(method, url, query, key=self.key, secret=self.secret, nonce=nonce, timestamp=timestamp)
        login = (self.key, self.secret) if self.auth == "basic" else None
        return self.http.request(method, url, params=query, json=json, auth=login, accept=accept)


def _error_code(response: Response) -> str:
    """`code` of a WordPress error body, "" if the body is none."""
    try:
        body = response.json()
    except ContractError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""


def _refusal(response: Response) -> ConnectorError:
    """`data.params` of a WordPress error names the parts of the request that are wrong."""
    error = error_for(response, is_write=True)
    for name in _wrong_params(response):
        if name in REFUSALS:
            code, reason = REFUSALS[name]
            return DataError(
                error.detail, code=code, field=name, reason=reason, status=400, request_id=response.request_id
            )
    return error


def _wrong_params(response: Response) -> Collection[str]:
    try:
        params = response.json()["data"]["params"]
    except (ContractError, KeyError, TypeError):
        return ()
    return params.keys() if isinstance(params, dict) else ()


def _object(response: Response) -> JSON:
    body = response.json()
    if not isinstance(body, dict):
        raise _unexpected("an object", response)
    return body


def _array(response: Response) -> list[JSON]:
    body = response.json()
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise _unexpected("a list of objects", response)
    return body


def _unexpected(wanted: str, response: Response) -> ContractError:
    return ContractError(f"The shop's answer is not {wanted}.", status=response.status, request_id=response.request_id)


def _count(response: Response, header: str) -> int:
    """Caches and proxies that drop these headers would make us stop after the first page, unnoticed."""
    text = str(response.headers.get(header) or "")
    if not text.isdecimal():
        raise ContractError(f"The shop's answer has no header {header}.", status=response.status)
    return int(text)


def _server_time(response: Response) -> datetime:
    """The answer's Date header. Ours stands in where a proxy drops it: the overlap covers the difference."""
    try:
        return parsedate_to_datetime(str(response.headers["Date"])).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC).replace(microsecond=0)
