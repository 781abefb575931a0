"""Run several programs as one: their output side by side, restarts after a crash, and one end for all of them."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from channable.dev import processes

COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)
STOP_SECONDS = 25.0  # long enough for a worker to finish the outside call it is in
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a restart; doubles with every crash
HEALTHY_SECONDS = 60.0  # a program that lived this long starts again with the first pause
LOG_BYTES = 10_000_000  # a larger log is put aside as <name>.log.1 at the next start


@dataclass(frozen=True)
class Program:
    """What to run. `ends_last` programs are told to stop only when all others have ended."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ends_last: bool = False


@dataclass
class _Running:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0  # of time.monotonic()
    restart_at: float = 0.0
    pause: float = FIRST_PAUSE


class Supervisor:
    """Starts programs in process groups of their own; leaving the `with` block ends every one of them.

    SIGINT and SIGTERM set `stopping`; a second one kills at once. Every process carries `run_id` in its environment
    (see processes.MARK), by which children that left their group, or a run that was killed, are found.
    """

    def __init__(self, log_folder: Path, *, cwd: Path, out: IO[str] = sys.stdout, stop_seconds: float = STOP_SECONDS):
        self.run_id = secrets.token_hex(8)
        self.stopping = threading.Event()
        self._killing = False
        self._log_folder, self._cwd, self._out, self._stop_seconds = log_folder, cwd, out, stop_seconds
        self._running: list[_Running] = []
        self._writing = threading.Lock()
        self._coloured = out.isatty() and "NO_COLOR" not in os.environ
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._killing = self.stopping.is_set()
        self.stopping.set()

    # Programs ----------------------------------------------------------------------------------------------------

    def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        running = _Running(program)
        self._running.append(running)
        self._launch(running)

    def call(self, program: Program) -> int:
        """Run a program once and wait for it; its exit code, or 130 if we are told to stop meanwhile."""
        running = _Running(program)
        self._launch(running)
        assert running.process  # noqa: S101 - _launch sets it
        while running.process.poll() is None:
            if self.stopping.wait(0.05):
                self._end([running])
                return 130
        self._join(running)
        return running.process.returncode

    def watch(self) -> None:
        """Restart what crashes, until told to stop."""
        while not self.stopping.wait(0.1):
            for running in self._running:
                self._look_after(running)

    def stop(self) -> None:
        """End every program and all that they started: TERM, after `stop_seconds` or a second signal KILL."""
        self.stopping.set()
        living = [running for running in self._running if running.process]
        if living:
            self.say("Stopping (Ctrl-C again to kill at once)...")
        self._end([running for running in living if not running.program.ends_last])
        self._end([running for running in living if running.program.ends_last])
        processes.end_marked(self.run_id, patience=0 if self._killing else 2)
        for running in living:
            self._join(running)
        self._running.clear()

    def say(self, text: str) -> None:
        """Print a line of our own."""
        self._print("run", text, 1)

    # Details -----------------------------------------------------------------------------------------------------

    def _launch(self, running: _Running) -> None:
        program = running.program
        own = {"PROCESS_NAME": program.name, processes.MARK: self.run_id, "PYTHONUNBUFFERED": "1"}
        environment = {**os.environ, **program.environment, **own}
        running.process = subprocess.Popen(
            program.argv,
            env=environment,
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running.started_at = time.monotonic()
        running.reader = threading.Thread(target=self._copy_output, args=(program.name, running.process), daemon=True)
        running.reader.start()

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        if running.process is None:
            if now >= running.restart_at:
                self._launch(running)
            return
        if running.process.poll() is None:
            return
        if now - running.started_at >= HEALTHY_SECONDS:
            running.pause = FIRST_PAUSE
        _signal_group(running.process, signal.SIGKILL)  # its children would hold ports and locks
        self.say(f"{running.program.name} {_how_it_ended(running.process)}, starting again in {running.pause:g} s.")
        running.process, running.restart_at = None, now + running.pause
        running.pause = min(2 * running.pause, LONGEST_PAUSE)

    def _end(self, several: list[_Running]) -> None:
        living = [running.process for running in several if running.process and running.process.poll() is None]
        for process in living:
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + self._stop_seconds
        while any(process.poll() is None for process in living):
            if self._killing or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        for process in living:
            _signal_group(process, signal.SIGKILL)
            process.wait()

    def _join(self, running: _Running) -> None:
        if running.reader:
            running.reader.join(timeout=2)

    def _copy_output(self, name: str, process: subprocess.Popen[bytes]) -> None:
        colour = COLOURS[sum(map(ord, name)) % len(COLOURS)]
        assert process.stdout  # noqa: S101 - asked for above
        with self._open_log(name) as log, process.stdout as lines:
            for line in lines:
                log.write(line)
                self._print(name, line.decode(errors="replace").rstrip("\r\n"), colour)

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log_folder / f"{name}.log"
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size > LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))
        return path.open("ab", buffering=0)

    def _print(self, name: str, text: str, colour: int) -> None:
        label = f"{name:>10} | "
        with self._writing, contextlib.suppress(OSError, ValueError):  # our reader may have gone; the logs go on
            self._out.write(f"\033[{colour}m{label}\033[0m{text}\n" if self._coloured else f"{label}{text}\n")
            self._out.flush()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended (exit {code})"
