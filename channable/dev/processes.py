"""Find and end processes: by a mark in their environment, by their command line."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

# Every process of one `make run` carries the run's id in this variable, so that a later run can find what a killed
# one left behind, children of children included, without trusting process ids that may have been given again.
MARK = "CHANNABLE_RUN_ID"


def marked(run_id: str) -> list[int]:
    """Ids of the living processes started by the run `run_id`, this process excepted."""
    wanted = f"{MARK}={run_id}"
    found = _marked_by_proc(wanted) if sys.platform == "linux" else _marked_by_ps(wanted)
    return [pid for pid in found if pid != os.getpid()]


def _marked_by_proc(wanted: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # gone meanwhile, or another user's
                if wanted.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found


def _marked_by_ps(wanted: str) -> list[int]:
    """macOS: `-E` adds the environment to the command."""
    lines = subprocess.run(["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=False).stdout
    return [int(line.split(None, 1)[0]) for line in lines.splitlines() if wanted in line.split()]


def command_line(pid: int) -> str:
    """The command line of a process, empty if there is none (any more)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    asked = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each of the processes that still lives."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end_marked(run_id: str, *, patience: float) -> int:
    """End all processes of a run: TERM, after `patience` seconds KILL. Returns how many there were."""
    left = marked(run_id)
    count = len(left)
    send(left, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = marked(run_id)
    send(left, signal.SIGKILL)
    return count
