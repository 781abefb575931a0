"""The database's three roles: who owns, who serves, who sees every company."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import environ
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

GRANTS = """
GRANT USAGE ON SCHEMA public TO channable_app, channable_all_companies;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO channable_app, channable_all_companies;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO channable_app, channable_all_companies;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO channable_app, channable_all_companies;
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM channable_app, channable_all_companies;
"""


@contextmanager
def as_owner(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Log in with DATABASE_OWNER_URL for a while. Without it, the connection is used as it is."""
    if not settings.DATABASE_OWNER_URL:
        yield
        return
    owner: dict[str, Any] = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    changed = {key: owner[key] for key in ("USER", "PASSWORD", "HOST", "PORT")}
    changed["OPTIONS"] = connection.settings_dict["OPTIONS"] | owner.get("OPTIONS", {})
    former = {key: connection.settings_dict[key] for key in changed}
    connection.close()
    connection.settings_dict.update(changed)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(former)


def grant_tables(connection: BaseDatabaseWrapper) -> None:
    """Let the serving roles use what the migrations made (tables of other packages too)."""
    with connection.cursor() as cursor:
        cursor.execute(GRANTS)
