"""Many rows with one statement: `INSERT … SELECT FROM json_to_recordset(…)`, all rows in one parameter.

Under row-level security PostgreSQL refuses COPY; this keeps most of its speed, and one JSON text is
cheaper to make than an array per column. Text is made storable on the way (no NUL, no lone surrogate,
no longer than its column).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import CharField, Field, JSONField, Model

from channable.core.exact_json import clean, dumps_storable, is_storable

Row = Mapping[str, Any]


def next_ids(model: type[Model], count: int) -> list[int]:
    """A block of ids of the model's sequence, which is looked up once and not for every id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(sequence) FROM generate_series(1, %s), "
            "(SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) AS of_model",
            [count, model._meta.db_table],
        )
        return [pk for (pk,) in cursor.fetchall()]


def insert(
    model: type[Model], rows: Sequence[Row], common: Row | None = None, *, unless_exists: Sequence[str] = ()
) -> list[int]:
    """Insert rows that all have the same columns (by attribute name, as `order_id`); `common` are the
    values that all of them share. Returns the ids of those inserted: with `unless_exists` rows whose key
    exists are passed over."""
    if not rows:
        return []
    common = common or {}
    into = _insertion(model, tuple(common), tuple(rows[0]), tuple(unless_exists))
    with _cursor() as cursor:
        cursor.execute(into.statement, [*common.values(), into.as_json(rows)])
        return [pk for (pk,) in cursor.fetchall()]


def _cursor() -> Any:
    """A cursor whose values travel beside the statement: quoting a megabyte of JSON into it, as
    Django's own does, costs as much as making it."""
    connection.ensure_connection()
    cursor: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


@dataclass(frozen=True, slots=True)
class _Insertion:
    statement: str
    json_columns: Sequence[str]

    def as_json(self, rows: Sequence[Row]) -> str:
        """The rows as `json_to_recordset` reads them, storable."""
        given = [dict(row) for row in rows] if self.json_columns else rows
        for name in self.json_columns:
            for row in given:  # as text, since its numbers must keep all their digits
                row[name] = dumps_storable(row[name])  # type: ignore[index]
        text = _dumps(given)
        return text if is_storable(text) else _dumps(clean(given))


def _dumps(rows: Any) -> str:
    return json.dumps(rows, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> str:
    """Exact amounts and moments go as text; PostgreSQL reads them by their column's type."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} is no column's value")


@cache
def _insertion(
    model: type[Model], common: tuple[str, ...], names: tuple[str, ...], keys: tuple[str, ...]
) -> _Insertion:
    fields = {one.attname: one for one in model._meta.concrete_fields}
    columns = ", ".join(f'"{fields[name].column}"' for name in (*common, *names))
    values = [f"%s::{fields[name].db_type(connection)}" for name in common]
    values += [_value(name, fields[name]) for name in names]
    typed = ", ".join(f'"{name}" {_type_of(fields[name])}' for name in names)
    conflict = f"ON CONFLICT ({', '.join(str(fields[key].column) for key in keys)}) DO NOTHING" if keys else ""
    statement = (
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {', '.join(values)} "  # noqa: S608
        f"FROM json_to_recordset(%s::json) AS given ({typed}) {conflict} RETURNING id"
    )  # names of our own models only
    return _Insertion(statement, [name for name in names if isinstance(fields[name], JSONField)])


def _value(name: str, one: Field[Any, Any]) -> str:
    """A cast, unlike an assignment, cuts text to its column's length."""
    if isinstance(one, JSONField):
        return f'given."{name}"::jsonb'
    if isinstance(one, CharField) and one.max_length:
        return f'given."{name}"::varchar({one.max_length})'
    return f'given."{name}"'


def _type_of(one: Field[Any, Any]) -> str:
    """JSON columns come as text."""
    base = str(one.db_type(connection)).split("(")[0]
    return "text" if isinstance(one, JSONField) or base == "varchar" else base
