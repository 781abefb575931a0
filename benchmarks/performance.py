"""docs/performance.md: what all benchmarks found, as text to read."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import Figure, Report

HEAD = """# Performance

Written by `make bench`; what each program compares is in [benchmarks/README.md](../benchmarks/README.md). Compare
ratios, which are taken from ways measured in turn in one run; absolute times are those of the machine.
"""


def page(reports: Sequence[Report]) -> str:
    """The whole document, in Markdown."""
    parts = [HEAD, _measured(reports), "\n## Figures to hold\n", _summary(reports)]
    parts += [_section(one) for one in reports]
    return "\n".join(parts)


def _measured(reports: Sequence[Report]) -> str:
    """On which days, on which machines, in how long."""
    days = sorted({one.measured_on for one in reports})
    machines = "; ".join(sorted({one.machine for one in reports}))
    minutes = sum(one.seconds for one in reports) / 60
    on = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"Measured on {on} in {minutes:.0f} minutes: {machines}."


def _summary(reports: Sequence[Report]) -> str:
    rows = [["What", "Found", "To reach", "Reached"]]
    rows += [[f"{one.name}: {figure.what}", *_found(figure)] for one in reports for figure in one.figures]
    return _table(rows)


def _found(figure: Figure) -> list[str]:
    return [figure.found, figure.reach, "yes" if figure.is_reached else "**no**"]


def _section(report: Report) -> str:
    lines = [f"\n## {report.title}\n", f"`{report.name}`, {report.seconds:.0f} s. {report.setting}\n"]
    lines.append(_table(report.table))
    if report.notes:
        lines += ["", *(f"- {note}" for note in report.notes)]
    return "\n".join(lines)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the heading; a bar in a cell would end it."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
