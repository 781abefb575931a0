"""One method per endpoint of the WooCommerce REST API v3 that we use. JSON in, JSON out, no meaning.

Source: WooCommerce REST API documentation, v3; "measured" means tried on WooCommerce 11.0.1.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ..errors import AuthError, ContractError, DataError
from ..statuses import error_for
from ..types import JSON
from .address import shop_address
from .answers import count_of, error_code, list_of, object_of, refusal, server_time
from .oauth import sign

if TYPE_CHECKING:
    from ..http import HttpClient, Response

PER_PAGE = 100  # the most the API allows; 101 is answered with 400 (measured)
MOST_REFUND_PAGES = 10
CORE = "/wc/v3"
SHIPMENT_TRACKING = "/wc-shipment-tracking/v3"  # the official extension
ADVANCED_SHIPMENT_TRACKING = "/wc-ast/v3"  # AST, a widespread plugin with the same shape
MOVED = frozenset({301, 308})
REFUSED = 401
CLOCK_TOLERANCE = 60.0  # seconds; a shop takes signatures of the quarter of an hour around its own time

Params = Mapping[str, str]


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
        self.clock_offset = 0.0  # seconds by which the shop's clock is ahead of ours, once it mattered

    # -- orders
    def orders(self, params: Params, *, page: int = 1) -> Listing:
        return self._list(f"{CORE}/orders", params, page)

    def order(self, order_id: str) -> JSON:
        """Also answers for a trashed order. Raises DataError "order.gone" if it was deleted for good."""
        response = self._send("GET", f"{CORE}/orders/{order_id}", accept={404})
        self._require_order(response)
        return object_of(response)

    def create_order(self, body: JSON) -> JSON:
        """Raises DataError "pricing.currency" or "address.unusable" where that is what the shop refuses."""
        response = self._send("POST", f"{CORE}/orders", json=body, accept={400})
        if response.status == 400:
            raise refusal(response)
        return object_of(response)

    def update_order(self, order_id: str, body: JSON) -> None:
        self._send("PUT", f"{CORE}/orders/{order_id}", json=body)

    def trash_order(self, order_id: str) -> None:
        """410: it is in the trash already."""
        self._send("DELETE", f"{CORE}/orders/{order_id}", {"force": "false"}, accept={410})

    def notes(self, order_id: str) -> list[JSON]:
        """All of an order's notes. Raises DataError "order.gone"."""
        response = self._send("GET", f"{CORE}/orders/{order_id}/notes", accept={404})
        self._require_order(response)
        return list_of(response)

    def create_note(self, order_id: str, text: str) -> JSON:
        """For the shop's staff: the buyer is not mailed. Raises DataError "order.gone"."""
        body = {"note": text, "customer_note": False}
        response = self._send("POST", f"{CORE}/orders/{order_id}/notes", json=body, accept={404})
        self._require_order(response)
        return object_of(response)

    def refunds(self, order_id: str) -> list[JSON]:
        """All of an order's refunds, the oldest first. Of an order that is gone the shop answers none (source)."""
        rows, page, pages = [], 1, 1
        while page <= pages:
            listing = self._list(f"{CORE}/orders/{order_id}/refunds", {"orderby": "id", "order": "asc"}, page)
            rows += listing.rows
            page, pages = page + 1, min(listing.pages, MOST_REFUND_PAGES)
        return rows

    def create_refund(self, order_id: str, body: JSON) -> JSON:
        """Raises DataError "order.gone" or "refund.refused". WooCommerce answers both with 500 (source: these errors
        carry no status), so the code in the body tells them from a shop that is unwell."""
        response = self._send("POST", f"{CORE}/orders/{order_id}/refunds", json=body, accept={404, 500})
        if response.status < 300:
            return object_of(response)
        code, error = error_code(response), error_for(response, is_write=True)
        if code == "woocommerce_rest_invalid_order_id":
            raise DataError("The shop no longer has this order.", code="order.gone", status=response.status)
        if code == "woocommerce_rest_cannot_create_order_refund":
            raise DataError(error.detail, code="refund.refused", status=response.status, request_id=response.request_id)
        self._require_order(response)
        raise error

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
        return object_of(response)

    # -- the shop itself
    def site(self) -> JSON:
        """The index of WordPress: name, home, namespaces. Public, so it says nothing of the keys."""
        return object_of(self._send("GET", "/", {"_fields": "name,home,namespaces"}))

    def settings(self, group: str) -> dict[str, str] | None:
        """Values by id, of the group "general" or "tax". None if the keys may not read settings."""
        try:
            response = self._send("GET", f"{CORE}/settings/{group}")
        except (AuthError, DataError):
            return None
        return {str(row["id"]): str(row.get("value", "")) for row in list_of(response) if "id" in row}

    def taxes(self, *, page: int = 1) -> Listing:
        return self._list(f"{CORE}/taxes", {"orderby": "id", "order": "asc"}, page)

    # -- how
    def _list(self, path: str, params: Params, page: int) -> Listing:
        paging = {"per_page": str(PER_PAGE), "page": str(page)}
        response = self._send("GET", path, {**paging, **params})
        rows = list_of(response)
        return Listing(
            rows, count_of(response, "X-WP-TotalPages"), count_of(response, "X-WP-Total"), read_at=server_time(response)
        )

    def _optional(self, path: str) -> list[JSON] | None:
        """A list that only some shops have; other 404s mean that the order itself is gone."""
        response = self._send("GET", path, accept={404})
        if response.status != 404:
            return list_of(response)
        if error_code(response) == "rest_no_route":
            return None
        raise DataError("The shop no longer has this order.", code="order.gone", status=404)

    def _require_order(self, response: Response) -> None:
        if response.status == 404:
            self._require_woocommerce(response)
            raise DataError("The shop no longer has this order.", code="order.gone", status=404)

    def _require_woocommerce(self, response: Response) -> None:
        """WooCommerce says that a thing is absent with an error code of its own; any other 404 means
        that something else answered."""
        if error_code(response) in {"", "rest_no_route"}:
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
        if response.status == 404 and not error_code(response):
            self.permalinks = "plain"
            return self._authorised(method, path, params or {}, accept=accept)
        self.permalinks = "pretty"
        if response.status == 404 and 404 not in accept:
            raise DataError("Not found.", code="connector.refused", status=404, request_id=response.request_id)
        return response

    def _authorised(
        self, method: str, path: str, params: Params, *, json: JSON = None, accept: Collection[int] = ()
    ) -> Response:
        """A signed request that is refused is signed anew and asked again where that can help: a read, because
        a second try of the same signature, which the transport makes after a cut answer, is refused for its
        used nonce; and anything, once, when the shop's clock turns out to differ from ours."""
        if self.auth != "oauth":
            return self._once(method, path, params, json=json, accept=accept)
        response = self._once(method, path, params, json=json, accept={*accept, REFUSED})
        if response.status != REFUSED:
            return response
        if self._has_learnt_the_time(response) or method == "GET":
            return self._once(method, path, params, json=json, accept=accept)
        raise error_for(response, is_write=True)

    def _has_learnt_the_time(self, response: Response) -> bool:
        """Sign by the shop's own clock from now on; False if that was so already."""
        off = server_time(response).timestamp() - time.time()
        is_news = abs(off - self.clock_offset) > CLOCK_TOLERANCE
        if is_news:
            self.clock_offset = off
        return is_news

    def _once(self, method: str, path: str, params: Params, *, json: JSON, accept: Collection[int]) -> Response:
        """Raises AuthError if the shop has moved for good to another address or folder: keys are not sent
        after it, and only its owner can say that it is theirs."""
        response = self._request(method, path, params, json=json, accept={*accept, *MOVED})
        if response.status not in MOVED:
            return response
        target = shop_address(urljoin(f"{self.shop}/", str(response.headers.get("Location", ""))))
        if target == self.shop:
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
            nonce, timestamp = secrets.token_hex(16), int(time.time() + self.clock_offset)
            query = sign(method, url, query, key=self.key, secret=self.secret, nonce=nonce, timestamp=timestamp)
        login = (self.key, self.secret) if self.auth == "basic" else None
        return self.http.request(method, url, params=query, json=json, auth=login, accept=accept)
