"""`make chaos`, or `python -m tests.chaos [--slice] [--lanes 2] [scenario or mutant ...]`.

Prints a line per scenario and keeps all of it in var/chaos/report.json; exits with 1 unless every
scenario is clean and every mutant is found out. Each lane is a process with servers of its own, which
plays one scenario after the other.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from typing import Any

from channable.dev.folders import VAR
from tests.chaos.lanes import Job, play
from tests.chaos.names import MUTANTS, SCENARIOS, SLICE

REPORT = VAR / "chaos" / "report.json"
LANES = 3  # most of the time they wait; more than these wait for each other on two cores


def main() -> int:
    options = _options()
    names = options.names or (SLICE if options.slice else [*SCENARIOS, *MUTANTS])
    print(f"Chaos{', the slice' if options.slice else ''}: seed {options.seed}, {options.lanes} lanes", flush=True)
    began = time.monotonic()
    results = []
    for result in play([Job(name, options.slice, options.seed) for name in names], options.lanes):
        _print(result)
        results.append(result)
    seconds = round(time.monotonic() - began)
    is_good = len(results) == len(names) and all(one["is_expected"] for one in results)
    _keep({"seed": options.seed, "is_slice": options.slice, "seconds": seconds, "results": results})
    print(f"{'All is well' if is_good else 'NOT ALL IS WELL'}: {len(results)} of {len(names)} played, {seconds} s")
    return 0 if is_good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("names", nargs="*", help="scenarios and mutants; all by default, the slice plays no mutants")
    parser.add_argument("--slice", action="store_true", help="the small sizes of `make test`")
    parser.add_argument("--lanes", type=int, default=LANES, help="so many scenarios beside each other")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    return parser.parse_args()


def _print(result: dict[str, Any]) -> None:
    if result["mutant"]:
        word = "found out" if result["is_expected"] else "NOT FOUND OUT"
        print(f"{word}: {result['mutant']}, by {result['line'].strip()}", flush=True)
    else:
        print(result["line"], flush=True)
    for line in result["details"] if not result["is_expected"] else result["details"][:1]:
        print(f"        {line}", flush=True)


def _keep(report: object) -> None:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1, default=str))


if __name__ == "__main__":
    sys.exit(main())
