"""Who may ask a WooCommerce shop, and how: keys, signatures, permalinks, pages of a list."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from .base import Request, Response
from .woocommerce_state import HTML, PAGE, ShopState, error


class Access(ShopState):
    def handle(self, request: Request) -> Response:
        if self.is_down:
            return Response(503, PAGE, HTML)
        if self.moved_to:
            query = request.url.partition("?")[2]
            return Response(301, PAGE, HTML | {"Location": f"{self.moved_to}{request.path}?{query}"})
        if request.path == "/" and "rest_route" in request.query:
            request.path = "/wp-json" + request.query["rest_route"]
        elif request.path.startswith("/wp-json") and self.permalinks == "plain":
            return Response(404, b"<!DOCTYPE html><title>Page not found</title>", HTML)
        with self.lock:
            return super().handle(request)

    def not_found(self, request: Request) -> Response:
        if not request.path.startswith("/wp-json"):
            return Response(404, b"<!DOCTYPE html><title>Page not found</title>", HTML)
        return error(404, "rest_no_route", "No route was found matching the URL and request method.")

    def authenticate(self, request: Request) -> Response | None:
        if request.path.rstrip("/") == "/wp-json":
            return None
        if self.is_revoked:
            return error(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
        if self._is_signed(request) or (self.basic_over_http and self._is_basic(request)):
            if request.method != "GET" and not self.may_write:
                return error(
                    401, "woocommerce_rest_authentication_error", "The API key does not have write permissions."
                )
            return None
        if "oauth_signature" in request.query:
            return error(401, "woocommerce_rest_authentication_error", "Invalid signature, nonce or key.")
        return error(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")

    def _is_basic(self, request: Request) -> bool:
        given = request.headers.get("Authorization", "")
        expected = "Basic " + base64.b64encode(f"{self.consumer_key}:{self.consumer_secret}".encode()).decode()
        by_query = (request.query.get("consumer_key"), request.query.get("consumer_secret"))
        return given == expected or by_query == (self.consumer_key, self.consumer_secret)

    def _is_signed(self, request: Request) -> bool:
        """OAuth 1.0a: known key, time within 15 minutes, a nonce never seen, HMAC-SHA1 or -SHA256."""
        query = request.query
        nonce, stamp = query.get("oauth_nonce", ""), query.get("oauth_timestamp", "")
        digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}.get(query.get("oauth_signature_method", ""))
        own = datetime.now(UTC) + self.clock_error
        is_timely = stamp.isdigit() and abs(own.timestamp() - int(stamp)) < 900
        if digest is None or not is_timely or not nonce or nonce in self._nonces:
            return False
        self._nonces.add(nonce)
        escape = lambda text: quote(text, safe="~")  # noqa: E731
        pairs = sorted((escape(name), escape(value)) for name, value in query.items() if name != "oauth_signature")
        address = request.url.partition("?")[0]  # also where the shop lives in a folder
        base = "&".join([request.method, escape(address), escape("&".join(f"{name}={value}" for name, value in pairs))])
        expected = base64.b64encode(
            hmac.new(f"{self.consumer_secret}&".encode(), base.encode(), digest).digest()
        ).decode()
        return query.get("oauth_consumer_key") == self.consumer_key and hmac.compare_digest(
            expected, query["oauth_signature"]
        )

    def _listed(self, request: Request, rows: list[Any]) -> Response:
        per_page, page = request.query.get("per_page", "10"), request.query.get("page", "1")
        if not per_page.isdigit() or not 1 <= int(per_page) <= 100:
            return error(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        if not page.isdigit() or int(page) < 1:
            return error(400, "rest_invalid_param", "Invalid parameter(s): page")
        size, start = int(per_page), (int(page) - 1) * int(per_page)
        totals = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
        response = Response.of(rows[start : start + size], **totals)
        response.headers["Link"] = f'<{request.url}>; rel="next"'  # repeats nonce and signature: not to be followed
        return response
