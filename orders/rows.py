"""Many rows with one statement: `INSERT … SELECT FROM unnest(…)`, one array per column.

Under row-level security PostgreSQL refuses COPY; this keeps most of its speed. Text is made storable
on the way (no NUL, no lone surrogate, no longer than its column).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import CharField, JSONField, Model, TextField

from channable.core.exact_json import clean, clean_text, dumps

Row = Mapping[str, Any]


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
    columns = [_column(rows, name, convert) for name, convert in zip(names, converters, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
        return [pk for (pk,) in cursor.fetchall()]


def _column(rows: Sequence[Row], name: str, convert: Callable[[Any], Any] | None) -> list[Any]:
    return [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]


@cache
def _prepared(
    model: type[Model], names: tuple[str, ...], keys: tuple[str, ...]
) -> tuple[str, list[Callable[[Any], Any] | None]]:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    chosen = [fields[name] for name in names]
    arrays, selected, converters = [], [], []
    for number, field in enumerate(chosen):
        db_type = str(field.db_type(connection)).split("(")[0]
        is_json = isinstance(field, JSONField)
        arrays.append(f"%s::{'text' if is_json else _BASE.get(db_type, db_type)}[]")
        selected.append(f"c{number}::jsonb" if is_json else f"c{number}")
        converters.append(_converter(field))
    aliases = ", ".join(f"c{number}" for number in range(len(chosen)))
    conflict = f"ON CONFLICT ({', '.join(str(fields[key].column) for key in keys)}) DO NOTHING" if keys else ""
    into = ", ".join(f'"{field.get_attname_column()[1]}"' for field in chosen)
    statement = (
        f"INSERT INTO {model._meta.db_table} ({into}) SELECT {', '.join(selected)} "  # noqa: S608 - names of our models
        f"FROM unnest({', '.join(arrays)}) AS given ({aliases}) {conflict} RETURNING id"
    )
    return statement, converters


_BASE = {"varchar": "text", "serial": "integer", "bigserial": "bigint"}


def _converter(field: Any) -> Callable[[Any], Any] | None:
    if isinstance(field, JSONField):
        return lambda value: dumps(clean(value))
    if isinstance(field, CharField) and field.max_length:
        most = field.max_length
        return lambda text: clean_text(text)[:most]
    if isinstance(field, TextField):
        return clean_text
    return None
