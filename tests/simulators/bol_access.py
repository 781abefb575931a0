"""bol's door: log-in, tokens, media types and limits.

Limits are per endpoint ("GET /retailer/orders", "GET /retailer/orders/*"); without an entry in `limits`
there are none, and the headers are there all the same.
"""

from __future__ import annotations

import base64
import secrets
import time

from .base import Request, Response, Validator, route
from .bol_bodies import LABEL_TYPE, MEDIA_TYPE, problem
from .bol_state import SellerAccount

UNLIMITED = (1000, 1.0)  # what the headers say


class Access(SellerAccount):
    def __init__(self, validator: Validator | None = None) -> None:
        super().__init__(validator)
        self.token_seconds = 299
        self.token_scope = "RETAILER"
        self.is_active = True  # else bol refuses every call
        self.limits: dict[str, tuple[int, float]] = {}  # "GET /retailer/orders" -> (calls, seconds)
        # bol is seen to do both: seconds or a moment, with Retry-After or in words alone.
        self.resets_by_epoch = False
        self.sends_retry_after = True
        self._tokens: dict[str, float] = {}
        self._used: dict[str, list[float]] = {}

    # -- the seller -----------------------------------------------------------------------------------
    def revoke_tokens(self) -> None:
        with self.lock:
            self._tokens.clear()

    def change_secret(self) -> str:
        """The seller makes a new secret; tokens of the old one stop working."""
        self.client_secret = secrets.token_hex(16)
        self.revoke_tokens()
        return self.client_secret

    # -- tokens ---------------------------------------------------------------------------------------
    @route("POST", "/token")
    def token(self, request: Request) -> Response:
        expected = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return Response.of({"error": "invalid_client", "error_description": "Bad client credentials"}, 401)
        if request.form().get("grant_type") != "client_credentials":
            return Response.of({"error": "unsupported_grant_type"}, 400)
        value = secrets.token_urlsafe(24)
        with self.lock:
            self._tokens[value] = self.now().timestamp() + self.token_seconds
        answer = {"access_token": value, "token_type": "Bearer", "expires_in": self.token_seconds}
        return Response.of(answer | {"scope": self.token_scope})

    def authenticate(self, request: Request) -> Response | None:
        if request.path == "/token":
            return None
        accepted = request.headers.get("Accept", "")
        if accepted != (LABEL_TYPE if request.path.startswith("/retailer/shipping-labels/") else MEDIA_TYPE):
            return problem(406, "Not Acceptable", f"{accepted} is not supported")
        wanted = "multipart/form-data" if request.path.startswith("/retailer/shipments/invoices/") else MEDIA_TYPE
        if request.body and request.headers.get("Content-Type", "").partition(";")[0] != wanted:
            return problem(415, "Unsupported Media Type", f"allowed value is {wanted}")
        return self._refused_token(request.headers.get("Authorization", "").removeprefix("Bearer "))

    def _refused_token(self, token: str) -> Response | None:
        ends = self._tokens.get(token)
        if ends is None:
            return problem(401, "Unauthorized", "The request did not contain a valid token")
        if ends < self.now().timestamp():
            return problem(401, "Expired JWT", "JWT expired. Allowed clock skew: 1000 milliseconds.")
        if not self.is_active:
            return problem(403, "Forbidden", "Account is not active, access denied.")
        return None

    # -- limits ---------------------------------------------------------------------------------------
    def answer(self, request: Request) -> Response:
        response = super().answer(request) if self._is_described(request) else self._answer_unchecked(request)
        response.headers |= self._limit_headers(endpoint_of(request)) | {"X-Request-ID": secrets.token_hex(8)}
        return response

    def _is_described(self, request: Request) -> bool:
        """The log-in server has no description of its own, mischief none at all; lists of returns show it too."""
        if request.path == "/retailer/returns" and self._poison:
            return False
        return request.path != "/token" and request.path.rpartition("/")[2] not in self._poison

    def _answer_unchecked(self, request: Request) -> Response:
        with self.lock:
            self.requests.append(f"{request.method} {request.path}")
        return self.handle(request)

    def handle(self, request: Request) -> Response:
        endpoint = endpoint_of(request)
        if endpoint in self.limits:
            with self.lock:
                allowed, seconds = self.limits[endpoint]
                recent = self._recent(endpoint, seconds)
                if len(recent) >= allowed:
                    return self._too_many(max(1, round(seconds - (time.monotonic() - recent[0]))))
                self._used[endpoint] = [*recent, time.monotonic()]
        return super().handle(request)

    def _too_many(self, wait: int) -> Response:
        response = problem(429, "Too Many Requests", f"Too many requests, retry in {wait} seconds.")
        if self.sends_retry_after:
            response.headers["Retry-After"] = str(wait)
        return response

    def _recent(self, endpoint: str, seconds: float) -> list[float]:
        since = time.monotonic() - seconds
        return [moment for moment in self._used.get(endpoint, []) if moment > since]

    def _limit_headers(self, endpoint: str) -> dict[str, str]:
        allowed, seconds = self.limits.get(endpoint, UNLIMITED)
        reset = max(1, round(seconds))
        return {
            "X-RateLimit-Limit": str(allowed),
            "X-RateLimit-Remaining": str(max(allowed - len(self._recent(endpoint, seconds)), 0)),
            "X-RateLimit-Reset": str(reset + int(time.time()) if self.resets_by_epoch else reset),
        }


def endpoint_of(request: Request) -> str:
    parts = request.path.split("/")
    return f"{request.method} {'/'.join(parts[:3])}{'/*' if len(parts) > 3 else ''}"
