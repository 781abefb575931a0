"""What a tick and an idle sync cost with ten and a hundred times the streams: `python -m benchmarks.growth_streams`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channable.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from benchmarks import app as _registers_examples  # noqa: F401
from benchmarks import fleet
from benchmarks.dispatcher import set_due
from benchmarks.remote import remote
from benchmarks.report import Figure, Report, interleaved, median, run
from benchmarks.timing import timed
from connections import dispatch, tasks

SIZES = (1_000, 10_000, 100_000)
DUE = 100  # the same at each size, so that only the number of streams differs


def in_fleet(size: int, work: Callable[[], float]) -> Callable[[], float]:
    """The same work on the database of that many streams."""

    def there() -> float:
        fleet.use_database(_name(size))
        set_due(DUE)
        return work()

    return there


def _name(size: int) -> str:
    return f"growth_streams_{size}"


def tick() -> float:
    """Seconds of a tick that finds DUE streams."""
    return timed(dispatch.claim_due)


def idle_sync() -> float:
    """Seconds of a sync that finds nothing new at a remote that answers at once, in this process."""
    claims = dispatch.claim_due()
    assert len(claims) == DUE
    return timed(lambda: [tasks.sync_stream(*_arguments(one)) for one in claims]) / DUE


def _arguments(claim: dispatch.Claim) -> tuple[int, int, str]:
    return claim.company_id, claim.stream_id, str(claim.token)


def measure(rounds: int) -> Report:
    with remote() as url:
        for size in SIZES:
            fleet.fresh_database(_name(size))
            fleet.add_streams(size, companies=size // 10, url=f"{url}/0")
        ways = {
            (what, size): in_fleet(size, work) for what, work in (("tick", tick), ("sync", idle_sync)) for size in SIZES
        }
        for way in ways.values():
            way()  # pages read, modules loaded; it moved every row, which a vacuum has to clear up
            fleet.analyze()
        found = {key: median(values) for key, values in interleaved(ways, rounds).items()}
    table = [["streams", "tick", "idle sync"]]
    table += [[f"{n:,}", f"{1000 * found['tick', n]:.1f} ms", f"{1000 * found['sync', n]:.2f} ms"] for n in SIZES]
    few, many = SIZES[0], SIZES[-1]
    return Report(
        "growth_streams",
        "A hundred times the streams",
        f"{DUE} due at each size, 10 streams a company, a database each; {rounds} interleaved rounds, medians.",
        table,
        [
            _flat("a tick", found["tick", many] / found["tick", few]),
            _flat("an idle sync", found["sync", many] / found["sync", few]),
        ],
        [
            "Measured after a vacuum. When all 100,000 were due at once, a tick costs several times as much until "
            "autovacuum has passed: it walks the entries of the rows that were due before."
        ],
    )


def _flat(what: str, times: float) -> Figure:
    return Figure(f"{what}, 100,000 against 1,000 streams", f"{times:.2f} x", "<= 1.5 x", times <= 1.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    run(lambda: measure(options.rounds))


if __name__ == "__main__":
    main()
