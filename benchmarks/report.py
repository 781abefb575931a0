"""What a benchmark found: printed as a table, kept as JSON in `var/bench/`, gathered into docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

FOLDER = Path(__file__).resolve().parent.parent / "var" / "bench"

K = TypeVar("K")  # the name of a way, or what else tells it apart


@dataclass(frozen=True)
class Figure:
    """A figure to hold (docs say why): what was measured, how much, and what is to be reached."""

    what: str  # "new orders, pages of 50"
    found: str  # "1,640 orders/s = 28 % of COPY"
    reach: str  # ">= 25 % of COPY"
    is_reached: bool


@dataclass
class Report:
    """One benchmark's result: `table` has a heading row first; every cell is text."""

    name: str  # the module: "ingest"
    title: str  # "Orders coming in"
    setting: str  # what ran, in a sentence: sizes, rounds, medians of what
    table: list[list[str]]
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what the profile shows, what would get further
    machine: str = ""
    measured_on: str = ""
    seconds: float = 0.0

    def print(self) -> None:
        print(f"\n{self.title}\n{self.setting}\n")
        widths = [max(len(row[column]) for row in self.table) for column in range(len(self.table[0]))]
        for row in self.table:
            print(
                "  ".join(
                    _aligned(cell, width, column) for column, (cell, width) in enumerate(zip(row, widths, strict=True))
                )
            )
        print()
        for one in self.figures:
            word = "reached    " if one.is_reached else "NOT REACHED"
            print(f"{word}  {one.what}: {one.found}; reach {one.reach}")
        for note in self.notes:
            print(f"- {note}")

    def keep(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{self.name}.json").write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, name: str) -> Report | None:
        """The result kept last, or None."""
        path = FOLDER / f"{name}.json"
        if not path.exists():
            return None
        values: dict[str, Any] = json.loads(path.read_text())
        figures = [Figure(**one) for one in values.pop("figures")]
        return cls(**values, figures=figures)


def run(measure: Callable[[], Report]) -> None:
    """Measure, print and keep; the `main` of every benchmark ends here."""
    began = time.perf_counter()
    report = measure()
    report.seconds = round(time.perf_counter() - began, 1)
    report.machine = machine()
    report.measured_on = time.strftime("%Y-%m-%d")
    report.print()
    report.keep()


def machine() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT version(), current_setting('fsync'), current_setting('shared_buffers')")
        version, fsync, buffers = cursor.fetchone()
    server = version.split(" on ")[0]
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}; Python {platform.python_version()}; "
        f"{server}, fsync {fsync}, shared_buffers {buffers}; everything on one machine"
    )


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0.95) of them lie; the nearest one there is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interleaved(ways: dict[K, Callable[[], float]], rounds: int) -> dict[K, list[float]]:
    """Each way once a round, in turn, so that a slow minute of the machine meets all of them."""
    found: dict[K, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        names = list(ways)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            found[name].append(ways[name]())
    return found


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)
