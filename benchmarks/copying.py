"""The same rows again by COPY: no parsing, no decisions, no row security. What is at most possible."""

from __future__ import annotations

import psycopg

from benchmarks.marketplace import TABLES, owner_url
from connections.models import OutboxMessage
from orders.models import Order


class Copy:
    def __init__(self) -> None:
        self.server = psycopg.connect(owner_url())
        self.chunks: list[list[tuple[str, bytes]]] = []

    def learn(self, chunk: int = 1000) -> None:
        """Keep the rows that the product wrote, in chunks of whole orders."""
        self._force("NO FORCE")
        low, high = self.server.execute("SELECT min(id), max(id) FROM orders_order").fetchone() or (0, 0)
        self.chunks = []
        for start in range(low, high + 1, chunk):
            rows = []
            for model in TABLES:
                table, key = model._meta.db_table, {Order: "id", OutboxMessage: "subject_id"}.get(model, "order_id")
                query = f"COPY (SELECT * FROM {table} WHERE {key} BETWEEN {start} AND {start + chunk - 1}) TO STDOUT"
                with self.server.cursor().copy(query) as out:
                    rows.append((table, b"".join(bytes(part) for part in out)))
            self.chunks.append(rows)
        self._force("FORCE")

    def write(self) -> None:
        """A transaction per chunk. The walls were put down beforehand: `COPY FROM` is refused under them."""
        for rows in self.chunks:
            for table, data in rows:
                with self.server.cursor().copy(f"COPY {table} FROM STDIN") as into:
                    into.write(data)
            self.server.commit()

    def walls(self, up: bool) -> None:
        self._force("FORCE" if up else "NO FORCE")

    def _force(self, word: str) -> None:
        for model in TABLES:
            self.server.execute(f"ALTER TABLE {model._meta.db_table} {word} ROW LEVEL SECURITY")
        self.server.commit()
