"""What a connector says of itself, which forms, pages and the engine are built from."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from connections.connectors import CONNECTORS
from connections.connectors.base import MarketplaceConnector, PlatformConnector
from tests.connections.rigs import KINDS, missing

SLUG = re.compile(r"[a-z][a-z0-9_]*")
SECRET = re.compile(r"secret|password|token|(^|_)key$")
EVERY_KIND = pytest.mark.parametrize("kind", sorted(KINDS))


def test_every_connector_is_held_to_these_rules():
    lacking = ", ".join(f"tests/connections/rigs/{kind}.py" for kind in missing())
    assert not missing(), f"A connector without a rig is not tested. Write {lacking}; see docs/writing-a-connector.md."


@EVERY_KIND
def test_the_registry_knows_it_by_its_kind(kind):
    connector = KINDS[kind]
    assert SLUG.fullmatch(kind)
    assert kind not in CONNECTORS or CONNECTORS[kind].kind == kind
    assert connector.label
    assert connector.api_version
    sides = {"marketplace": MarketplaceConnector, "platform": PlatformConnector}
    assert issubclass(connector, sides[connector.role])


@EVERY_KIND
def test_its_fields_can_be_asked_for(kind):
    connector = KINDS[kind]
    fields = [*connector.credential_fields, *connector.setting_fields]
    names = [one.name for one in fields]
    assert len(names) == len(set(names))
    assert all(SLUG.fullmatch(one.name) and one.label for one in fields)
    for one in fields:
        values = [value for value, _label in one.choices]
        assert len(values) == len(set(values))
        assert not one.choices or one.default in values or one.is_required


@EVERY_KIND
def test_its_secrets_are_marked_and_stored_where_secrets_are(kind):
    connector = KINDS[kind]
    secrets = [one.name for one in connector.credential_fields if one.is_secret]
    assert secrets
    assert [one.name for one in connector.credential_fields if SECRET.search(one.name)] == secrets
    assert not any(one.default for one in connector.credential_fields if one.is_secret)
    assert not [one.name for one in connector.setting_fields if one.is_secret], "settings are stored as they are"


@EVERY_KIND
def test_its_capabilities_make_sense(kind):
    can = KINDS[kind].capabilities
    assert can.cancels_orders or not can.cancels_partially
    assert can.return_verdicts or not (can.decides_partial_returns or can.reports_returns)
    assert 0 <= can.index_delay_seconds <= 3600
    assert 0 < can.works_on_seconds <= 3600


@EVERY_KIND
def test_it_knows_no_django(kind):
    code = f"import sys, {KINDS[kind].__module__}; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_its_streams_are_what_the_engine_can_poll(rig):
    streams, can = rig.connect().streams(), type(rig.connect()).capabilities
    tells_of_returns = any(one.topic == "returns" for one in streams)
    assert tells_of_returns or can.reports_returns or not can.return_verdicts, "nothing to decide about is told"
    assert rig.stream in {one.name for one in streams}
    assert len({one.name for one in streams}) == len(streams)
    for one in streams:
        assert one.name.partition(":")[0] == one.topic
        assert one.period_seconds >= 60
