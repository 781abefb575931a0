"""Many rows with one statement: `INSERT … SELECT FROM json_to_recordset(…)`, all rows in one parameter.

Under row-level security PostgreSQL refuses COPY; this keeps most of its speed, and one JSON text is
cheaper to make than an array per column. Text is made storable on the way (no NUL, no lone surrogate,
no longer than its column).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import CharField, JSONField, Model, TextField

from channable.core.exact_json import clean, clean_text, dumps

Row = Mapping[str, Any]
Converter = Callable[[Any], Any]


def next_ids(model: type[Model], count: int) -> list[int]:
    """A block of ids of the model's sequence."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [pk for (pk,) in cursor.fetchall()]


def insert(model: type[Model], rows: Sequence[Row], *, unless_exists: Sequence[str] = ()) -> list[int]:
    """Insert rows that all have the same columns (by attribute name, as `order_id`). Returns the ids of
    those inserted; with `unless_exists` rows whose key exists are passed over."""
    if not rows:
        return []
    names = tuple(rows[0])
    statement, converters = _prepared(model, names, tuple(unless_exists))
    given = [_values(row, names, converters) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(given, default=_plain, ensure_ascii=False, separators=(",", ":"))])
        return [pk for (pk,) in cursor.fetchall()]


def _values(row: Row, names: Sequence[str], converters: Mapping[str, Converter]) -> dict[str, Any]:
    return {name: converters[name](row[name]) if name in converters else row[name] for name in names}


def _plain(value: Any) -> str:
    """Exact amounts and moments go as text; PostgreSQL reads them by their column's type."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} is no column's value")


@cache
def _prepared(model: type[Model], names: tuple[str, ...], keys: tuple[str, ...]) -> tuple[str, Mapping[str, Converter]]:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    columns, typed, selected = [], [], []
    for name in names:
        column = str(fields[name].column)
        columns.append(f'"{column}"')
        typed.append(f'"{name}" {_type_of(fields[name])}')
        selected.append(f'"{name}"::jsonb' if isinstance(fields[name], JSONField) else f'"{name}"')
    conflict = f"ON CONFLICT ({', '.join(str(fields[key].column) for key in keys)}) DO NOTHING" if keys else ""
    statement = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(selected)} "  # noqa: S608
        f"FROM json_to_recordset(%s::json) AS given ({', '.join(typed)}) {conflict} RETURNING id"
    )  # names of our own models only
    converters = {name: convert for name in names if (convert := _converter(fields[name]))}
    return statement, converters


def _type_of(field: Any) -> str:
    """JSON columns come as text, since their numbers must keep all their digits."""
    base = str(field.db_type(connection)).split("(")[0]
    return "text" if isinstance(field, JSONField) or base == "varchar" else base


def _converter(field: Any) -> Converter | None:
    if isinstance(field, JSONField):
        return lambda value: dumps(clean(value))
    if isinstance(field, CharField) and field.max_length:
        most = field.max_length
        return lambda text: clean_text(text)[:most]
    if isinstance(field, TextField):
        return clean_text
    return None
