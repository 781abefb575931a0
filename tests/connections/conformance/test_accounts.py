"""Whose account it is, and that its secrets stay ours."""

from __future__ import annotations

import pytest

from connections.connectors.errors import AuthError

from .failing import failure_of


def test_good_credentials_tell_whose_account_it_is(rig):
    info = rig.connect().check()
    assert info.account_id
    assert info.name


def test_the_id_of_an_account_stays(rig):
    assert rig.connect().check().account_id == rig.connect().check().account_id


@pytest.mark.parametrize("call", ["check", "fetch", "send"])
def test_wrong_credentials_are_refused_without_showing_them(rig, call):
    subject = rig.new_subject() if call == "send" else None
    calls = {
        "check": lambda connector: connector.check(),
        "fetch": lambda connector: list(connector.fetch(rig.stream, "")),
        "send": lambda connector: rig.send(connector, subject, rig.new_key()),
    }
    assert rig.wrong_credentials()
    for credentials in rig.wrong_credentials():
        error = failure_of(rig, calls[call], credentials=credentials)
        assert type(error) is AuthError
        assert error.detail


def test_an_account_does_not_show_its_secrets(rig):
    connector = rig.connect()
    connector.check()
    shown = repr([connector, connector.account, connector.http, connector.account.tokens.current()])
    assert [secret for secret in rig.secrets(connector) if secret in shown] == []
