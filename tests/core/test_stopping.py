"""A worker that was asked to stop is gone in time, whatever it waits for."""

from __future__ import annotations

import subprocess
import sys

HELD_UP = """
import threading
from channable.core import stopping
stopping.DRAIN_SECONDS = 0.1
stopping.end_in_time()
stopping.ask()
threading.Event().wait(60)
raise SystemExit("waited for what it was held up by")
"""


def test_a_process_that_is_held_up_ends_by_itself() -> None:
    ended = subprocess.run([sys.executable, "-c", HELD_UP], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
