from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.simulators.playground import Playground


@pytest.fixture
def open_playground(tmp_path: Path) -> Iterator[Callable[[], Playground]]:
    """Serves the simulated systems; each call goes on with the same file, as the next run does."""
    with ExitStack() as stack:

        def start() -> Playground:
            playground = Playground(tmp_path / "simulators.pickle")
            stack.enter_context(playground.served())
            return playground

        yield start


@pytest.fixture
def playground(open_playground: Callable[[], Playground]) -> Playground:
    return open_playground()
