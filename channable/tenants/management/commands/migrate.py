"""Django's migrate, run as the role that owns the tables."""

from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as Migrate
from django.db import connection

from channable.tenants.database import as_owner, grant_tables


class Command(Migrate):
    """Logs in with DATABASE_OWNER_URL where it is set, then lets the serving roles use the tables."""

    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner(connection):
            # The check refuses the owner, rightly, everywhere but here.
            super().handle(*args, **{**options, "skip_checks": True})
            grant_tables(connection)
