"""Where files of orders are kept is checked at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from channable.tenants.checks import private_files_are_private


def found(settings: Any, folder: Path) -> list[str | None]:
    settings.PRIVATE_FILES_DIR = str(folder)
    return [one.id for one in private_files_are_private()]


@pytest.fixture(autouse=True)
def _static(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT, settings.STATICFILES_DIRS = tmp_path / "static", [tmp_path / "more"]


def test_a_folder_for_us_alone_is_fine_also_before_it_is_made(settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "private"
    assert found(settings, folder) == []
    folder.mkdir(mode=0o700)
    assert found(settings, folder) == []


@pytest.mark.parametrize("name", ["static", "static/private", "more/private", "."])
def test_nothing_that_is_served_may_hold_it(settings: Any, tmp_path: Path, name: str) -> None:
    assert found(settings, tmp_path / name) == ["channable.E011"]


def test_a_file_is_no_folder(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("")
    assert found(settings, tmp_path / "private") == ["channable.E012"]


def test_a_folder_that_others_can_look_into_is_told(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private").chmod(0o755)
    assert found(settings, tmp_path / "private") == ["channable.W010"]


def test_a_bucket_wants_its_packages(settings: Any, tmp_path: Path) -> None:
    settings.PRIVATE_FILES_BUCKET = "order-files"
    from importlib.util import find_spec

    missing = [] if find_spec("storages") and find_spec("boto3") else ["channable.E010"]
    assert found(settings, tmp_path / "static") == missing
