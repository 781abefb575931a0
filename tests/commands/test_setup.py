"""setup_database, setup_periodic."""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from channable.celery import PERIODIC, app
from channable.dev.postgres import SUPERUSER
from channable.tenants.roles_sql import APP, OWNER

NAME = "test_setup_" + os.environ.get("PYTEST_XDIST_WORKER", "alone")  # two workers share the server


def test_every_periodic_task_is_written_and_exists(run: Any) -> None:
    assert sorted(run("setup_periodic")["made"]) == sorted(PERIODIC)
    app.loader.import_default_modules()
    for row in PeriodicTask.objects.all():
        assert row.task in app.tasks
        assert (row.task, row.interval.every, row.interval.period) == (*PERIODIC[row.name], "seconds")


def test_what_an_admin_changed_stays(run: Any) -> None:
    run("setup_periodic")
    slow = IntervalSchedule.objects.create(every=90, period="seconds")
    IntervalSchedule.objects.create(every=90, period="seconds")
    PeriodicTask.objects.filter(name="Relay outbox").update(interval=slow, enabled=False)
    assert run("setup_periodic")["made"] == []
    row = PeriodicTask.objects.get(name="Relay outbox")
    assert (row.interval.every, row.enabled) == (90, False)


# -- the database -------------------------------------------------------------------------------------


@pytest.fixture
def superuser_url() -> Any:
    """The embedded server's superuser. A server of one's own need not have one we may be."""
    url = django_settings.DATABASE_OWNER_URL.replace(OWNER, SUPERUSER, 1)
    try:
        with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
            yield url
            server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
            for role in (APP, OWNER):
                server.execute(f"ALTER ROLE {role} PASSWORD NULL")
    except psycopg.OperationalError as error:
        pytest.skip(f"this server lets nobody in as {SUPERUSER}: {error}")


def owner_and_extensions(url: str) -> tuple[str, set[str]]:
    with psycopg.connect(url, dbname=NAME) as inside:
        owner = inside.execute("SELECT datdba::regrole::text FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        return owner[0], {name for (name,) in inside.execute("SELECT extname FROM pg_extension")}


def test_a_database_is_made_and_may_be_made_again(run: Any, superuser_url: str) -> None:
    assert run("setup_database", "--database", NAME, "--admin-url", superuser_url) == {"database": NAME, "made": True}
    assert run("setup_database", "--database", NAME, "--admin-url", superuser_url) == {"database": NAME, "made": False}
    owner, extensions = owner_and_extensions(superuser_url)
    assert owner == OWNER and {"pg_trgm", "btree_gin"} <= extensions


def test_a_database_made_by_somebody_else_is_handed_over(run: Any, superuser_url: str) -> None:
    with psycopg.connect(superuser_url, dbname="postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {NAME}")
    run("setup_database", "--database", NAME, "--admin-url", superuser_url)
    assert owner_and_extensions(superuser_url)[0] == OWNER


def test_passwords_of_the_urls_become_those_of_the_roles(run: Any, superuser_url: str, settings: Any) -> None:
    settings.DATABASE_OWNER_URL = f"postgres://{OWNER}:owners-password@localhost/{NAME}"
    run("setup_database", "--database", NAME, "--admin-url", superuser_url)
    with psycopg.connect(superuser_url, dbname="postgres") as server:
        kept = dict(server.execute("SELECT rolname, rolpassword FROM pg_authid").fetchall())
    assert kept[OWNER].startswith("SCRAM-SHA-256$")


def test_a_role_that_may_not_gets_the_sql_to_hand_on(run: Any, superuser_url: str) -> None:
    app_url = django_settings.DATABASE_OWNER_URL.replace(OWNER, APP, 1)
    answer = run("setup_database", "--database", NAME, "--admin-url", app_url)
    assert "may not" in answer["error"] and "CREATE DATABASE" in answer["sql"]


def test_without_a_log_in_the_sql_is_printed(say: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("DATABASE_ADMIN_URL", raising=False)
    script = say("setup_database")
    assert "CREATE ROLE channable_app" in script and "CREATE EXTENSION IF NOT EXISTS pg_trgm;" in script


def test_a_server_that_is_not_there_is_told_in_one_line(run: Any) -> None:
    answer = run("setup_database", "--admin-url", "postgres://nobody@127.0.0.1:1/postgres")
    assert answer["error"].startswith("The database server:") and "\n" not in answer["error"]
