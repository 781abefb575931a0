"""`python -m tests.simulators --port 8900`: the simulated marketplace and shop of the demo, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from .playground import Playground

STATE = Path(__file__).resolve().parents[2] / "var" / "simulators.pickle"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("SIMULATORS_PORT") or 8900))
    parser.add_argument("--state", type=Path, default=STATE, help="where they remember their orders (%(default)s)")
    options = parser.parse_args()
    options.state.parent.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: ended.set())
    playground = Playground(options.state)
    try:
        address = playground.start(options.port)
    except OSError as error:
        print(f"Port {options.port} can't be used: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return 1
    print(f"Simulated marketplace and shop: {address}/", flush=True)  # noqa: T201
    ended.wait()
    playground.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
