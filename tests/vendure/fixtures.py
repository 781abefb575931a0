"""The fixture `vendure`: one real shop per test process, skipped only where npm can't be reached."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .peer import CannotInstall, VendurePeer, install


@pytest.fixture(scope="session")
def vendure() -> Iterator[VendurePeer]:
    """A running Vendure. Mark the tests with `xdist_group("vendure")`, so that one process needs one."""
    try:
        install()
    except CannotInstall as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the npm registry can't be reached, so there is no Vendure to test with: {error}")
    peer = VendurePeer()
    try:
        peer.start()
        yield peer
    finally:
        peer.stop()
