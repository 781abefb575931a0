"""A person's browser, as far as a server notices."""

from __future__ import annotations

from collections.abc import Callable

from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory


class Browser:
    """Asks the product's WSGI application for pages, as a web server does: every middleware, the session, the wall."""

    def __init__(self, session: str) -> None:
        self.application = get_wsgi_application()
        self.session = session

    def asks(self, url: str, **headers: str) -> Callable[[], bytes]:
        """Something that fetches this page again and again, the request made beforehand."""
        environ = (
            RequestFactory().get(url, HTTP_HOST="localhost", HTTP_COOKIE=f"sessionid={self.session}", **headers).environ
        )

        def fetch() -> bytes:
            answered: list[str] = []
            response = self.application(dict(environ), lambda status, headers: answered.append(status))
            body = b"".join(response)
            response.close()
            assert answered == ["200 OK"], answered
            return body

        return fetch
