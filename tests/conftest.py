"""What every test may ask for: a database behind its walls, a company and its people.

The tests log in as the role that serves (channable_app): the database is made and migrated by its
owner, then nothing but the walled role is used, exactly as in production.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from channable.core import failpoints, stopping
from channable.tenants.models import Company, Project, User
from channable.tenants.roles import Role
from channable.tenants.scope import company_scope
from connections.models import Exchange
from tests import factories
from tests.database import make_database
from tests.orders.pairs import PAIRS_OF_TESTS
from tests.simulators.validation import SIMULATED, SPECS, TALLIES, specs_available

pytest_plugins = ["tests.vendure.fixtures"]

# The browser tests run Playwright's event loop in the thread that uses the ORM, beside it and not in it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any, worker_id: str) -> Iterator[None]:
    """A fresh database of our own per test process, made and migrated as its owner."""
    name = "test_channable" if worker_id == "master" else f"test_channable_{worker_id}"
    with django_db_blocker.unblock():
        make_database(name)
        # Made by SQL, so Django would leave it out of that clean-up, and it refers to other tables.
        Exchange._meta.managed = True
    yield
    with django_db_blocker.unblock():
        connection.close()


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def private_files(settings: Any, tmp_path: Path) -> Path:
    """The folder of a private storage of this test's own, not made yet."""
    folder = tmp_path / "private"
    private = {"BACKEND": "orders.storage.PrivateFolder", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = {**settings.STORAGES, "private": private}
    return folder


@pytest.fixture
def stop_at() -> Iterator[Callable[[str], None]]:
    """Asks this process to stop when it first comes to a named moment, as SIGTERM asks a worker."""

    def stop_at(moment: str) -> None:
        def listen(reached: str) -> None:
            if reached == moment:
                failpoints.listener = None
                stopping.ask()

        failpoints.listener = listen

    yield stop_at
    failpoints.listener = None
    stopping.take_back()


@pytest.fixture(autouse=True)
def _goes_through_its_pairs(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that `orders/matrix.py` names has to go through the pairs for which it does."""
    promised = PAIRS_OF_TESTS.get(request.node.nodeid)
    if promised is None:
        yield
        return
    reached: set[str] = set()
    failpoints.listener = reached.add
    yield
    failpoints.listener = None
    assert promised <= reached, f"orders/matrix.py says that this test goes through {sorted(promised - reached)}"


@pytest.fixture
def company(db: None) -> Company:
    return factories.CompanyFactory()


@pytest.fixture
def inside(company: Company) -> Iterator[Company]:
    """The whole test runs inside `company`, as a request or a task would."""
    with company_scope(company.pk):
        yield company


@pytest.fixture
def project(inside: Company) -> Project:
    return factories.ProjectFactory(company=inside)


@pytest.fixture
def alice(company: Company) -> User:
    """An owner of the company."""
    return factories.member(company, Role.OWNER, email="alice@example.com")


@pytest.fixture
def bob(company: Company) -> User:
    """A read-only member of the company."""
    return factories.member(company, Role.READ_ONLY, email="bob@example.com")


@pytest.fixture
def charlie(db: None) -> User:
    """An outsider: the owner of another company, who must see nothing."""
    return factories.member(factories.CompanyFactory(), Role.OWNER, email="charlie@example.com")


# -- what was checked against the vendors' own descriptions -------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counts of this test process to the one that reports."""
    output = getattr(session.config, "workeroutput", None)
    counts = {system: (tally.exchanges, tally.failures) for system, tally in TALLIES.items()}
    if output is not None:
        output["exchanges"] = counts
    else:
        _add(session.config, counts)
        is_bad = any(failures for _exchanges, failures in _checked(session.config).values())
        if is_bad or (_is_whole_run(session.config) and _unchecked(session.config)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    _add(node.config, node.workeroutput.get("exchanges", {}) if hasattr(node, "workeroutput") else {})


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    if not SPECS.is_dir():
        terminalreporter.write_line(f"Not checked against official descriptions: {SPECS} is not there (API_SPECS_DIR).")
        return
    for system, (exchanges, failures) in sorted(_checked(config).items()):
        terminalreporter.write_line(f"{system}: {exchanges} exchanges checked against the official description.")
        for failure in failures[:10]:
            terminalreporter.write_line(f"  {failure}")
    if _is_whole_run(config):
        for system in _unchecked(config):
            terminalreporter.write_line(f"{system}: NO exchange was checked against its description, which is there.")


def _checked(config: pytest.Config) -> dict[str, tuple[int, list[str]]]:
    found: dict[str, tuple[int, list[str]]] = config.__dict__.setdefault("_exchanges", {})
    return found


def _add(config: pytest.Config, counts: dict[str, tuple[int, list[str]]]) -> None:
    for system, (exchanges, failures) in counts.items():
        former, seen = _checked(config).get(system, (0, []))
        _checked(config)[system] = (former + exchanges, [*seen, *failures])


def _is_whole_run(config: pytest.Config) -> bool:
    return config.args == [str(config.rootpath / "tests")] or config.args in (["tests"], ["tests/"])


def _unchecked(config: pytest.Config) -> list[str]:
    """Simulated systems whose description is at hand, but with which nothing was compared."""
    return [one for one in SIMULATED if specs_available(one) and not _checked(config).get(one, (0, []))[0]]
