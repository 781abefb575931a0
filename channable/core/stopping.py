"""SIGTERM: what is under way ends at its next good moment, and what has none within DRAIN_SECONDS is left behind.

Leaving behind is what a crash does: leases run out, and what may have been executed is looked up. So a
remote that takes a minute for an answer can't hold up a roll-out.
"""

from __future__ import annotations

import os
import threading
import time

import structlog

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 20  # containers and supervisors kill after 30 s; a promise of 25 s leaves room to end

_asked = threading.Event()


def ask() -> None:
    """From now on runs end after their page, and nothing more is sent."""
    _asked.set()


def is_asked() -> bool:
    return _asked.is_set()


def take_back() -> None:
    _asked.clear()


def end_in_time() -> None:
    """Make sure that this process is gone DRAIN_SECONDS after it was asked, whatever it waits for."""
    threading.Thread(target=_watch, name="end-in-time", daemon=True).start()


def _watch() -> None:
    _asked.wait()
    time.sleep(DRAIN_SECONDS)
    log.warning("ended with calls under way", after_seconds=DRAIN_SECONDS)
    os._exit(0)
