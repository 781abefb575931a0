"""What the documents say about settings and make targets is what the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from channable.pages.documents import DOCUMENTS as DOCUMENTS_FROM_CODE
from connections.connectors import CONNECTORS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "benchmarks/README.md", *ROOT.glob("docs/**/*.md")]
)
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_and_command_a_document_names_exists(document: Path) -> None:
    from django.core.management import get_commands

    text = document.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())


@pytest.mark.parametrize("name", [*DOCUMENTS_FROM_CODE])
def test_pages_made_from_the_code_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text() == DOCUMENTS_FROM_CODE[name](), "run `manage.py write_documents`"


@pytest.mark.parametrize("kind", [*CONNECTORS])
def test_every_connector_has_its_pages(kind: str) -> None:
    assert (ROOT / f"docs/connectors/{kind}.md").exists()
    assert (ROOT / f"connections/connectors/{kind}/README.md").exists()
    assert (ROOT / f"static/img/connectors/{kind}.svg").exists()
    assert f"docs/connectors/{kind}.md" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
