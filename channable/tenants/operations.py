"""The migration operation that puts a table behind the second wall."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.models import Model

APP = "channable_app"
OTHERS = "channable_all_companies, channable_owner"


class WallOff(Operation):
    """Row-level security, the key (company_id, id) and composite foreign keys for one model.

    Repeatable: a later migration that adds a TenantForeignKey calls it again, and only what is
    missing is added. `column` is the one that holds the company's id.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str, column: str = "company_id") -> None:
        self.model = model
        self.column = column

    def describe(self) -> str:
        return f"Put {self.model} behind the wall between companies"

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        for statement in self._statements(model):
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """The table goes with the model; there is nothing of its own to take back."""

    def _statements(self, model: type[Model]) -> list[str]:
        table = model._meta.db_table
        statements = wall_sql(table, self.column)
        if self.column == "company_id":
            statements.append(_constraint(table, f"{table}_company_key", "UNIQUE (company_id, id)"))
        for field in model._meta.local_fields:
            if field.is_relation and not field.db_constraint and field.many_to_one:  # type: ignore[attr-defined]
                other = field.related_model._meta.db_table  # type: ignore[union-attr]
                statements.append(
                    _constraint(
                        table,
                        f"{table}_{field.column}_same_company",
                        f"FOREIGN KEY (company_id, {field.column}) REFERENCES {other} (company_id, id)",
                    )
                )
        return statements


def wall_sql(table: str, column: str = "company_id") -> list[str]:
    """The policies. Without a company the first one raises: an error, never an empty answer that
    somebody would take for "there is no such order, so create it"."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"DROP POLICY IF EXISTS one_company ON {table}",
        f"DROP POLICY IF EXISTS all_companies ON {table}",
        f"CREATE POLICY one_company ON {table} TO {APP} USING ({column} = current_setting('app.company')::bigint)",
        f"CREATE POLICY all_companies ON {table} TO {OTHERS} USING (true) WITH CHECK (true)",
    ]


def _constraint(table: str, name: str, definition: str) -> str:
    short = name if len(name) <= 63 else name[:50] + name[-13:]
    return (
        # Names of our own tables and columns only.
        f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{short}' "
        f"AND conrelid = '{table}'::regclass) THEN "
        f"ALTER TABLE {table} ADD CONSTRAINT {short} {definition}; END IF; END $$"
    )
