"""A marketplace in a process of its own that costs next to nothing: one event loop, answers made beforehand.

Its address says how it behaves: `/30` answers after 30 ms with nothing new, `/30/20000` has 20,000 orders.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

API_KEY = "bench-key-0123456789"
PAGE = 50
EMPTY = b'{"orders": [], "next": null}'
ACCOUNT = b'{"id": "bench", "name": "Bench"}'
LINE = re.compile(rb"GET /(\d+)(?:/(\d+))?/(account|orders)(?:\?(\S*))? ")


def order(number: int, moment: str) -> dict[str, Any]:
    """An order of Example Market with two lines."""
    line = {"sku": "MUG", "title": "Mug with a handle", "unit_price": "19.99", "shipped": 0}
    return {
        "number": f"EX-{number}",
        "status": "open",
        "placed_at": moment,
        "changed_at": moment,
        "currency": "EUR",
        "total": "59.97",
        "ship_to": {
            "name": f"Ada de Vries {number}",
            "street": "Dorpsstraat",
            "house_number": str(number % 200 + 1),
            "postcode": "1234 AB",
            "city": "Utrecht",
            "country": "NL",
            "email": f"buyer{number}@example.com",
        },
        "lines": [{**line, "id": f"EX-{number}-{i}", "quantity": i + 1} for i in range(2)],
        "shipments": [],
    }


def page(count: int, query: bytes, moment: str) -> bytes:
    """Page by page, `after` being the number of the first order of the next one."""
    found = re.search(rb"after=(\d+)", query)
    first = int(found[1]) if found else 0
    last = min(first + PAGE, count)
    following = str(last) if last < count else None
    return json.dumps({"orders": [order(n, moment) for n in range(first, last)], "next": following}).encode()


class Answers(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, for requests without a body."""

    moment = datetime.now(UTC).isoformat()

    def connection_made(self, transport: Any) -> None:
        self.transport, self.held = transport, b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        if not self.held.endswith(b"\r\n\r\n"):
            return
        request, self.held = self.held, b""
        found = LINE.match(request)
        assert found, request
        delay, count, what, query = int(found[1]), int(found[2] or 0), found[3], found[4] or b""
        body = ACCOUNT if what == b"account" else page(count, query, self.moment) if count else EMPTY
        asyncio.get_running_loop().call_later(delay / 1000, self.answer, body)

    def answer(self, body: bytes) -> None:
        if not self.transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)


def serve(pipe: Any) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0, backlog=1000)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def remote() -> Iterator[str]:
    """The address of a running one, without the path that says how it behaves."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()
