"""Headers on every answer, and the id that ties a request to its log lines."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

# A file of 10 MB as base64 in JSON, with room: nothing that we take is larger.
MOST_BYTES = 16 * 1024 * 1024

GetResponse = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


def security_headers(get_response: GetResponse) -> GetResponse:
    """A strict content policy: our own files only, nothing inline, no frames."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        return response

    return middleware


def request_id(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        with structlog.contextvars.bound_contextvars(request=uuid.uuid4().hex[:12]):
            return get_response(request)

    return middleware


def body_limit(get_response: GetResponse) -> GetResponse:
    """Refuse what is too large before anybody reads it; the check of the form's token would be the first to."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > MOST_BYTES:
            return render(request, "413.html", status=413)
        return get_response(request)

    return middleware
