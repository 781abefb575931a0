"""The remotes, one after the other: `rig` is each of them, `marketplace` and `platform` those of one side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connections.rigs import RIGS, MarketplaceRig, PlatformRig, Rig


def _params(side: type[Rig]) -> list[object]:
    return [pytest.param(kind, marks=one.marks) for kind, one in sorted(RIGS.items()) if issubclass(one, side)]


def _serve(request: pytest.FixtureRequest) -> Iterator[Rig]:
    rig = RIGS[request.param](request)
    with rig.served():
        yield rig


@pytest.fixture(params=_params(Rig))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from _serve(request)


@pytest.fixture(params=_params(MarketplaceRig))
def marketplace(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from _serve(request)


@pytest.fixture(params=_params(PlatformRig))
def platform(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from _serve(request)
