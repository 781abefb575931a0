"""What `make bench` writes down."""

from __future__ import annotations

import importlib.util

from benchmarks.__main__ import NAMES
from benchmarks.performance import page
from benchmarks.report import Figure, Report


def report(name: str, *figures: Figure) -> Report:
    return Report(
        name, f"About {name}", "So it ran.", [["Way", "orders/s"], ["a|b", "12"]], list(figures), ["A note."],
        machine="2 cores", measured_on="2026-01-02", seconds=61,
    )  # fmt: skip


def test_a_figure_that_is_not_reached_is_said_in_the_first_table():
    text = page([report("one", Figure("speed", "5 x", ">= 8 x", is_reached=False)), report("two")])
    assert "| one: speed | 5 x | >= 8 x | **no** |" in text
    assert "Measured on 2026-01-02 in 2 minutes: 2 cores." in text


def test_every_program_has_its_section_with_table_and_notes():
    text = page([report("one"), report("two")])
    assert text.index("## About one") < text.index("## About two")
    assert "| a\\|b | 12 |" in text
    assert text.count("- A note.") == 2


def test_every_program_that_is_run_exists():
    for name in NAMES:
        assert importlib.util.find_spec(f"benchmarks.{name}"), name
