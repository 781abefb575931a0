"""The remotes, one after the other: `rig` is each of them, `marketplace` and `platform` those of one side.

Of the marketplaces, `telling` are those that tell of returns, `deciding` those where the seller decides about them,
and `reporting` those that the seller tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.connections.rigs import RIGS, MarketplaceRig, PlatformRig, Rig


def _params(side: type[Rig], fits: Callable[..., bool] = lambda one: True) -> list[object]:
    rigs = [(kind, one) for kind, one in sorted(RIGS.items()) if issubclass(one, side)]
    return [pytest.param(kind, marks=one.marks) for kind, one in rigs if fits(one)]


def _tells(one: type[MarketplaceRig]) -> bool:
    return bool(one.returns_stream)


def _decides(one: type[MarketplaceRig]) -> bool:
    return _tells(one) and bool(one.connector.capabilities.return_verdicts)


def _is_told(one: type[MarketplaceRig]) -> bool:
    return one.connector.capabilities.reports_returns


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


@pytest.fixture(params=_params(MarketplaceRig, _tells))
def telling(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from _serve(request)


@pytest.fixture(params=_params(MarketplaceRig, _decides))
def deciding(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from _serve(request)


@pytest.fixture(params=_params(MarketplaceRig, _is_told))
def reporting(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from _serve(request)
