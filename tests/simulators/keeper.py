"""What simulated remotes remember from one run to the next."""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
from collections.abc import Mapping
from pathlib import Path

from .base import Simulator

SAVE_SECONDS = 1.0
LEDGER_KEPT = 200
# What belongs to the process rather than to the remote, or ends with it: tokens, writes in flight.
NOT_KEPT = {
    "lock", "validator", "url", "after_page", "requests", "processes", "_plans", "_server", "_released", "_poison",
    "_nonces", "_tokens", "_used", "_chance",
}  # fmt: skip


class Keeper:
    """Keeps the state of several simulators in one file, written by renaming so that it is always whole.

    A file that can't be read (another version of the simulators) is put aside and a new one begun.
    """

    def __init__(self, path: Path, parts: Mapping[str, Simulator]) -> None:
        self.path, self.parts = path, parts
        self.changed = threading.Event()
        self._stopping = threading.Event()
        self._saving = threading.Lock()

    def load(self) -> bool:
        """Whether there was a state to go on with."""
        try:
            kept = pickle.loads(self.path.read_bytes())  # noqa: S301 - written below, with mode 0600
            states = {name: pickle.loads(kept[name]) for name in self.parts}  # noqa: S301
            if any(set(states[name]) != _names(part) for name, part in self.parts.items()):
                raise ValueError("it is of another version")
        except FileNotFoundError:
            return False
        except Exception as error:
            print(f"The simulators begin anew: {self.path.name} can't be read ({error!r}).", flush=True)  # noqa: T201
            self.path.replace(self.path.with_suffix(".unreadable"))
            return False
        for name, part in self.parts.items():
            vars(part).update(states[name])
        return True

    def save(self) -> None:
        with self._saving:
            self.changed.clear()
            content = pickle.dumps({name: self._state(part) for name, part in self.parts.items()})
            fresh = self.path.with_suffix(".new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            fresh.replace(self.path)

    def start(self) -> None:
        """Save in the background, at most once a second, and only what changed."""
        threading.Thread(target=self._watch, daemon=True, name="keeper").start()

    def stop(self) -> None:
        self._stopping.set()
        self.changed.set()
        self.save()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self.changed.wait()
            with contextlib.suppress(OSError):  # a full disk must not end the demo
                self.save()
            self._stopping.wait(SAVE_SECONDS)

    def _state(self, part: Simulator) -> bytes:
        """As it is at one moment."""
        with part.lock:
            del part.ledger[:-LEDGER_KEPT], part.requests[:-LEDGER_KEPT]
            return pickle.dumps({name: vars(part)[name] for name in _names(part)})


def _names(part: Simulator) -> set[str]:
    return set(vars(part)) - NOT_KEPT
