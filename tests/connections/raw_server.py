"""A loopback server that sends exactly the bytes a test tells it to, however broken."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

CLOSE = object()
RESET = object()  # the peer sees ECONNRESET


@dataclass(frozen=True)
class Received:
    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    connection: int  # the how-manieth connection brought it


Script = Callable[[Received], Iterable[object]]


@dataclass
class RawServer:
    """`script` yields what is sent after each request: bytes, CLOSE or RESET; else it is kept alive."""

    script: Script
    host: str = "127.0.0.1"
    requests: list[Received] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, 0), family=family, backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(peer, self.connections), daemon=True).start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), peer, peer.makefile("rb") as stream:
            while received := _receive(stream, number):
                self.requests.append(received)
                for step in self.script(received):
                    if step is RESET:
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if step is RESET or step is CLOSE:
                        stream.close()
                        peer.close()
                        return
                    peer.sendall(step)


def _receive(stream, number: int) -> Received | None:
    line = stream.readline().split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while text := stream.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Received(line[0].decode(), line[1].decode("latin-1"), headers, body, number)


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    """A whole answer; `Content_Type="…"` for header Content-Type."""
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


@contextlib.contextmanager
def serving(*steps: object, host: str = "127.0.0.1") -> Iterator[RawServer]:
    """A server that takes the same steps after every request."""
    with RawServer(lambda received: steps, host) as server:
        yield server
