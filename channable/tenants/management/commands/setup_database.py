"""Roles, database and extensions: once per server, by somebody who may."""

from __future__ import annotations

import os
from typing import Any

import environ
import psycopg
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from psycopg import sql

from channable.tenants.management.base import Done, JsonCommand, Refused
from channable.tenants.roles_sql import APP, EXTENSIONS, OWNER, ROLE_SQL

OLDEST_SERVER = 16  # options of GRANT


class Command(JsonCommand):
    help = (
        "Make the three roles, the database and its extensions; safe to repeat. The roles' passwords are set to "
        "those of DATABASE_URL and DATABASE_OWNER_URL. Without --admin-url the SQL is printed."
    )
    requires_system_checks: list[str] = []  # they need the database that is made here

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--admin-url",
            default=os.environ.get("DATABASE_ADMIN_URL", ""),
            metavar="URL",
            help="postgres://…, a superuser or a role with CREATEROLE and CREATEDB. Default: DATABASE_ADMIN_URL.",
        )
        parser.add_argument("--database", default=settings.DATABASES["default"]["NAME"], metavar="NAME")

    def work(self, **options: Any) -> Done:
        database = options["database"]
        if not options["admin_url"]:
            script = script_for(database)
            return Done(script, {"sql": script})
        try:
            made = set_up(options["admin_url"], database)
        except psycopg.errors.InsufficientPrivilege as error:
            script = script_for(database)
            if not options["json"]:
                self.stdout.write(script)
            message = f"This role may not: {_first_line(error)}. Have the SQL run by one that may."
            raise Refused(message, sql=script) from error
        except psycopg.Error as error:
            raise CommandError(f"The database server: {_first_line(error)}.") from error
        return Done(f"Database {database} is ready.", {"database": database, "made": made})


def set_up(admin_url: str, database: str) -> bool:
    """Whether the database is new. Raises psycopg.Error, and CommandError for a server that is too old."""
    with psycopg.connect(admin_url, autocommit=True) as server:
        if server.info.server_version < OLDEST_SERVER * 10_000:
            raise CommandError(f"PostgreSQL {OLDEST_SERVER} or newer is needed.")
        server.execute(ROLE_SQL)
        for role, password in passwords().items():
            _set_password(server, role, password)
        _become_able_to_give(server)
        is_new = _create_database(server, database)
    with psycopg.connect(admin_url, dbname=database, autocommit=True) as inside:
        inside.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        for name in EXTENSIONS:
            inside.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
    return is_new


def script_for(database: str) -> str:
    """What `set_up` does, for psql. It holds no password."""
    extensions = "\n".join(f"CREATE EXTENSION IF NOT EXISTS {name};" for name in EXTENSIONS)
    quoted = sql.Identifier(database).as_string()
    return (
        f"{ROLE_SQL}\n\\password {OWNER}\n\\password {APP}\n"
        f"CREATE DATABASE {quoted} OWNER {OWNER};\n\\connect {quoted}\n{extensions}\n"
    )


def passwords() -> dict[str, str]:
    """The passwords that our own URLs log in with, by role; URLs without one give none."""
    found = {settings.DATABASES["default"]["USER"]: settings.DATABASES["default"]["PASSWORD"]}
    if settings.DATABASE_OWNER_URL:
        owner = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
        found[owner["USER"]] = owner["PASSWORD"]
    return {role: password for role, password in found.items() if password and role in (OWNER, APP)}


def _set_password(server: psycopg.Connection, role: str, password: str) -> None:
    """Hashed here, so that it does not stand in the server's log."""
    hashed = server.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    server.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed)))


def _become_able_to_give(server: psycopg.Connection) -> None:
    """A database can be given only to a role that one may switch to; a superuser may anyway."""
    row = server.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row and not row[0]:
        server.execute(sql.SQL("GRANT {} TO current_user WITH SET TRUE").format(sql.Identifier(OWNER)))


def _create_database(server: psycopg.Connection, database: str) -> bool:
    """One made by somebody else is handed over: only its owner can make tables in it."""
    names = {"name": sql.Identifier(database), "owner": sql.Identifier(OWNER)}
    query = "SELECT datdba = %s::regrole FROM pg_database WHERE datname = %s"
    row = server.execute(query, [OWNER, database]).fetchone()
    if row is None:
        statement = "CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"
        server.execute(sql.SQL(statement).format(**names))
    elif not row[0]:
        server.execute(sql.SQL("ALTER DATABASE {name} OWNER TO {owner}").format(**names))
    return row is None


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
