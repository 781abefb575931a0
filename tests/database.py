"""A fresh database behind its walls: made and migrated by its owner, used as the role that serves."""

from __future__ import annotations

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from channable.tenants.database import as_owner


def make_database(name: str) -> None:
    """Drop and create it, migrate it, and point Django's connection at it."""
    owner_url = settings.DATABASE_OWNER_URL
    assert owner_url, "run this with `make`, which starts the servers"
    with psycopg.connect(owner_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name}")
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
    call_command("migrate", verbosity=0, interactive=False)
    with as_owner(connection), connection.cursor() as cursor:
        # Tests that commit clean up with TRUNCATE, which the serving role may not.
        cursor.execute("GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO channable_app")
