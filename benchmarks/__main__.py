"""`make bench`, or `make bench ARGS="ingest list"`: runs each program by itself, one after the other.

Once all of them have a result, docs/performance.md is written anew from them. Exits with 1 if a program
failed; a figure that isn't reached is no failure, it is said in the document.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.performance import page
from benchmarks.report import Report

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance.md"
NAMES = [
    "ingest", "resync", "memory", "idle_syncs", "dispatcher", "lateness", "fairness", "growth_streams",
    "list", "search", "growth",
]  # fmt: skip


def main(names: list[str]) -> int:
    if unknown := set(names) - set(NAMES):
        print(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
        return 2
    began = time.monotonic()
    failed = [name for name in names or NAMES if not _run(name)]
    print(f"\n{time.monotonic() - began:.0f} s" + (f"; failed: {', '.join(failed)}" if failed else ""))
    reports = [found for name in NAMES if (found := Report.load(name))]
    if len(reports) == len(NAMES) and not failed:
        DOCUMENT.write_text(page(reports) + "\n")
        print(f"Written: {DOCUMENT.relative_to(ROOT)}")
    return 1 if failed else 0


def _run(name: str) -> bool:
    print(f"\n=== {name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
