"""What the documents say about settings, commands, connectors, states and errors is what the code has."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.core.management import get_commands

from channable.pages.documents import DOCUMENTS as DOCUMENTS_FROM_CODE
from channable.pages.documents import OF_MARKETPLACES, OF_SHOPS
from connections.connectors import CONNECTORS
from connections.connectors.base import Capabilities
from connections.messages import MESSAGES
from connections.options import Options
from orders.states import TRANSITIONS

ROOT = Path(__file__).resolve().parents[1]
WITH_DOCUMENTS = ("benchmarks", "billing", "channable", "connections", "docker", "docs", "orders", "tests")
# Named by their folders, because var/ and .venv/ hold documents of others.
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(page for folder in WITH_DOCUMENTS for page in ROOT.glob(f"{folder}/**/*.md"))]
)
CODE = [path for folder in ("channable", "connections", "orders", "billing") for path in ROOT.glob(f"{folder}/**/*.py")]
README = (ROOT / "README.md").read_text()
OUR_APPS = {"channable", "connections", "orders", "billing"}
# Read by make, compose, the tests or one command, and not by settings.py.
READ_ELSEWHERE = {
    "PORT", "SIMULATORS_PORT", "TEST_WORKERS", "API_SPECS_DIR", "DATABASE_ADMIN_URL", "PUBLIC_HOST",
    "POSTGRES_PASSWORD", "OWNER_DB_PASSWORD", "APP_DB_PASSWORD",
}  # fmt: skip


def variables_of_settings() -> set[str]:
    """The first argument of each `env.…("NAME")` in settings.py."""
    tree = ast.parse((ROOT / "channable/settings.py").read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and isinstance(node.args[0], ast.Constant)
    }


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def codes_raised(path: Path) -> set[str]:
    """The codes of the errors that a file makes: `SomeError(…, code="…")`."""
    return {
        keyword.value.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")
        for keyword in node.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }


def anchors_of(document: Path) -> set[str]:
    """The names by which a page's headings are linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def path_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def test_the_example_lists_every_variable_and_no_other() -> None:
    listed = re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == variables_of_settings() | READ_ELSEWHERE


def test_the_example_sets_nothing_by_itself() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_configuration_page_explains_every_variable_and_no_other() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row.split("|")[1])}
    assert explained == variables_of_settings() | READ_ELSEWHERE


def test_every_system_check_is_explained() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    sources = "".join(path.read_text() for path in ROOT.glob("channable/**/checks.py"))
    about_the_code = {"channable.E003"}
    assert set(re.findall(r"channable\.[EW]\d{3}", sources)) - about_the_code <= set(
        re.findall(r"channable\.[EW]\d{3}", page)
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=path_of)
def test_every_make_target_and_command_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= make_targets()
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())


def test_the_readme_explains_every_make_target() -> None:
    assert set(re.findall(r"^\| `make ([a-z]+)` \|", README, re.MULTILINE)) == make_targets()


def test_the_readme_explains_every_command_of_ours() -> None:
    ours = {name for name, app in get_commands().items() if str(app).split(".")[0] in OUR_APPS} - {"migrate"}
    assert set(re.findall(r"^\| `([a-z_]+)` \|", README, re.MULTILINE)) == ours


@pytest.mark.parametrize("name", [*DOCUMENTS_FROM_CODE])
def test_pages_made_from_the_code_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text() == DOCUMENTS_FROM_CODE[name](), "run `manage.py write_documents`"


def test_every_capability_stands_in_its_page() -> None:
    told = {*OF_MARKETPLACES.values(), *OF_SHOPS.values()}
    flags = {field.name for field in fields(Capabilities) if not field.name.endswith("_seconds")}
    assert told == flags


def test_every_status_and_move_stands_in_its_page() -> None:
    page = (ROOT / "docs/order-states.md").read_text()
    for status, targets in TRANSITIONS.items():
        row = re.search(rf"^\| `{status}` \| (`.*|nothing.*) \|$", page, re.MULTILINE)
        assert row, status
        assert set(re.findall(r"`([a-z_]+)`", row.group(1))) == set(targets)


def test_every_error_code_stands_in_its_page() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", page, re.MULTILINE)) == set(MESSAGES)


def test_every_error_code_that_is_raised_has_words() -> None:
    assert {code: path for path in CODE for code in codes_raised(path) if code not in MESSAGES} == {}


def test_every_error_code_is_raised_in_a_test() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    named = {code: (code, code.removeprefix("reconcile.")) for code in MESSAGES}  # findings are told without it
    assert [code for code, names in named.items() if not any(f'"{name}"' in tests for name in names)] == []


@pytest.mark.parametrize("kind", [*CONNECTORS])
def test_every_connector_has_its_pages(kind: str) -> None:
    assert (ROOT / f"docs/connectors/{kind}.md").exists()
    assert (ROOT / f"connections/connectors/{kind}/README.md").exists()
    assert (ROOT / f"static/img/connectors/{kind}.svg").exists()
    assert f"| [{CONNECTORS[kind].label}](docs/connectors/{kind}.md) |" in README


@pytest.mark.parametrize("document", DOCUMENTS, ids=path_of)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", document.read_text())
    targets = [(document.parent / path if path else document, heading) for path, heading in links]
    assert [target for target, _heading in targets if not target.exists()] == []
    assert [(target, heading) for target, heading in targets if heading and heading not in anchors_of(target)] == []


def test_the_configuration_explains_every_setting_of_an_order_connection() -> None:
    text = (ROOT / "docs/configuration.md").read_text().partition("## Settings of an order connection")[2]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) == {field.name for field in fields(Options)}
