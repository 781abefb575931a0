"""A loopback proxy before a real remote, so that faults can be planned on the way to it too."""

from __future__ import annotations

import requests

from .base import Request, Response, Simulator

HOP_BY_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "keep-alive", "host", "date"}


class Proxy(Simulator):
    """Forwards every request to `target` (scheme and host); a fault that "executes" cuts the real answer."""

    name = "proxy"

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target.rstrip("/")
        self.bodies: list[bytes] = []  # of every request, in order
        self._lost: list[bytes] = []
        self._session = requests.Session()
        self._session.trust_env = False

    def lose(self, word: str) -> None:
        """The next request whose body holds `word` is executed and its answer lost (502); for remotes
        with one path for everything, where a pattern on the path says nothing."""
        with self.lock:
            self._lost.append(word.encode())

    def handle(self, request: Request) -> Response:
        answer = self._forward(request)
        with self.lock:
            for word in self._lost:
                if word in request.body:
                    self._lost.remove(word)
                    return Response(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})
        return answer

    def _forward(self, request: Request) -> Response:
        self.bodies.append(request.body)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        answer = self._session.request(
            request.method,
            self.target + request.path,
            params=request.query,
            data=request.body,
            headers=headers,
            allow_redirects=False,
            timeout=60,
        )
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        return Response(answer.status_code, answer.content, kept)
