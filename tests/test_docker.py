"""The container files can't be built everywhere, but what they name must exist."""

from __future__ import annotations

import fnmatch
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from channable.dev.run import programs
from channable.tenants.roles_sql import APP, DATABASE, OWNER
from tests.test_docs import READ_ELSEWHERE, variables_of_settings

DOCKER = Path(__file__).resolve().parents[1] / "docker"
SERVICES = ("beat", "migrate", "postgres", "valkey", "web", "worker")


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


def test_there_is_what_the_product_needs_and_nothing_else(compose: Any) -> None:
    assert tuple(sorted(compose)) == SERVICES


def test_every_variable_is_one_that_is_read(compose: Any) -> None:
    known = variables_of_settings() | READ_ELSEWHERE
    for service in compose.values():
        assert set(service.get("environment", ())) <= known
    used = set(re.findall(r"\$\{([A-Z_]+)", (DOCKER / "compose.yaml").read_text()))
    assert used <= READ_ELSEWHERE


def test_no_secret_stands_in_the_file() -> None:
    """Each password is a variable that must be set; compose refuses to start without it."""
    given = re.findall(r"(?:PASSWORD: |postgres://\w+:)(\$?.\w+.*?)[@\n]", (DOCKER / "compose.yaml").read_text())
    assert len(given) == 4
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in given)


def test_only_the_migration_knows_the_owner_and_the_superuser(compose: Any) -> None:
    assert {name for name, service in compose.items() if OWNER in str(service)} == {"migrate"}
    assert {name for name, service in compose.items() if "//postgres:" in str(service)} == {"migrate"}
    for name in ("web", "worker", "beat"):
        assert f"//{APP}:" in compose[name]["environment"]["DATABASE_URL"]
        assert compose[name]["environment"]["DATABASE_URL"].endswith(f"/{DATABASE}")


def test_every_command_exists(compose: Any) -> None:
    asked = re.findall(r"manage\.py (\w+)", str(compose) + (DOCKER / "Dockerfile").read_text())
    assert asked and set(asked) <= set(get_commands())
    assert "channable.wsgi:application" in (DOCKER / "Dockerfile").read_text()
    assert import_module("channable.celery").app.main == "channable"


def test_the_worker_serves_the_queues_of_make_run(compose: Any) -> None:
    worker = next(program for program in programs() if program.name == "worker")
    queues = worker.argv[list(worker.argv).index("-Q") + 1]
    assert f"-Q {queues} " in compose["worker"]["command"]


def test_nothing_starts_before_the_database_is_migrated(compose: Any) -> None:
    for name in ("web", "worker", "beat"):
        assert compose[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert {row["condition"] for row in compose["migrate"]["depends_on"].values()} == {"service_healthy"}
    assert compose["migrate"]["restart"] == "no"


def test_servers_are_watched_and_reached_from_this_machine_only(compose: Any) -> None:
    assert all("healthcheck" in compose[name] for name in ("web", "worker", "postgres", "valkey"))
    ports = [port for service in compose.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]


def test_the_image_runs_as_nobody_special_from_the_lock_file() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    assert "uv sync --locked --no-dev" in text
    assert re.search(r"^USER app$", text, re.MULTILINE)


def test_the_image_holds_the_product_and_no_secrets() -> None:
    root = DOCKER.parent
    ignored = [
        line for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    needed = ["manage.py", "pyproject.toml", "uv.lock", "channable", "connections", "orders", "billing", "templates",
              "static"]  # fmt: skip
    assert all((root / name).exists() for name in needed)
    assert not [name for name in needed for pattern in ignored if fnmatch.fnmatch(name, pattern)]
    assert {".env", "var", ".git", ".venv"} <= set(ignored)
