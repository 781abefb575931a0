"""Whose tracking code it is: rules, names, defaults, the look of the code, in this order."""

from __future__ import annotations

from typing import Any

import pytest

from connections.models import OrderConnection, TransporterRule
from connections.options import Options, WrongOption
from connections.transporters import CODES, Choice, Rule, WrongRule, choose, detect, unified
from tests.factories import OrderConnectionFactory

CODE = "3SABCD12345678"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("PostNL", "POSTNL"),
        ("postnl-pakket", "POSTNL"),
        ("DHL Parcel NL", "DHL_PARCEL"),
        ("DHL_FOR_YOU", "DHL_FOR_YOU"),
        ("dpd", "DPD"),
        ("Uncle Bob", ""),
        ("", ""),
    ],
)
def test_a_name_becomes_a_unified_code(name: str, code: str) -> None:
    assert unified(name) == code


@pytest.mark.parametrize(
    ("tracking_code", "code"),
    [(CODE, "POSTNL"), ("3s abcd 1234 5678", "POSTNL"), ("JVGL0612345678901234", "DHL"), ("1Z999AA10123456784", "UPS"),
     ("CD123456789NL", "POSTNL"), ("12345678", ""), ("", "")],
)  # fmt: skip
def test_a_format_that_only_one_has_is_recognised(tracking_code: str, code: str) -> None:
    assert detect(tracking_code) == code


def test_the_order_in_which_is_asked() -> None:
    rules = [Rule("GLS", "X*"), Rule("UPS"), Rule("DPD", "*")]
    asked: dict[str, Any] = {"rules": rules, "default": "FEDEX"}
    assert choose(named="PostNL", tracking_code="X1", **asked).transporter == "GLS"  # the first rule that matches
    assert choose(named="PostNL", tracking_code="Y1", **asked).transporter == "DPD"  # a star matches everything
    rules.pop()
    assert choose(named="PostNL", tracking_code="Y1", **asked).transporter == "POSTNL"  # what the shop said
    assert choose(named="?", tracking_code="Y1", **asked).transporter == "FEDEX"  # the order connection's default
    assert choose(named="", tracking_code="Y1", default="", rules=rules).transporter == "UPS"  # the project's
    assert choose(named="", tracking_code=CODE, default="").transporter == "POSTNL"  # the look of the code
    assert choose(named="", tracking_code="Y1", default="") == Choice("", "Y1")


@pytest.mark.parametrize(
    ("pattern", "tracking_code", "sent"),
    [
        ("DHL-*", "DHL-123", "123"),
        ("dhl-*", "DHL-123", "123"),
        ("*-NL", "123-NL", "123"),
        ("A*-*Z", "A12-34Z", "1234"),
        ("##*", "12AB", None),
        ("DHL-*", "XDHL-123", None),
        ("DHL-", "DHL-", "DHL-"),  # nothing would be left: kept as it is
        ("a.c*", "abc1", None),  # a point is a point
        ("PNL *", "PNL 3SABC", "3SABC"),
    ],
)
def test_matched_text_is_removed(pattern: str, tracking_code: str, sent: str | None) -> None:
    rule = Rule("DHL", pattern, removes_match=bool(pattern.strip("*#")))
    if sent is None:
        assert choose(named="", tracking_code=tracking_code, default="", rules=[rule]).tracking_code == tracking_code
    else:
        assert choose(named="", tracking_code=tracking_code, default="", rules=[rule]) == Choice("DHL", sent)


def test_digits_and_anything_are_told_apart() -> None:
    assert Rule("DHL", "JVGL##").matched("JVGL12") == "JVGL12"
    assert Rule("DHL", "JVGL##").matched("JVGL1X") is None
    assert Rule("DHL", "*").matched("x" * 200) == "x" * 200


def test_a_rule_is_for_its_country_alone() -> None:
    rules = [Rule("BPOST", "*", "BE"), Rule("DHL", "", "DE"), Rule("POSTNL")]
    found = {
        country: choose(named="", tracking_code="1", default="", rules=rules, country=country).transporter
        for country in ("BE", "DE", "NL", "")
    }
    assert found == {"BE": "BPOST", "DE": "DHL", "NL": "POSTNL", "": "POSTNL"}


@pytest.mark.parametrize(
    "rule",
    [Rule("NOBODY"), Rule("DHL", "x" * 101), Rule("DHL", "*a*b*c*"), Rule("DHL", "", "nl"), Rule("DHL", "", "NLD"),
     Rule("DHL", "*##", removes_match=True), Rule("DHL", "", removes_match=True)],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(rule: Rule) -> None:
    with pytest.raises(WrongRule):
        rule.check()


def test_every_unified_code_makes_a_rule() -> None:
    for code in CODES:
        Rule(code, "A*").check()


def test_a_default_that_nobody_knows_is_refused() -> None:
    with pytest.raises(WrongOption):
        Options.checked({"default_transporter": "Uncle Bob"})


def test_its_own_rules_are_asked_before_those_of_its_project(inside: Any, project: Any) -> None:
    pair: OrderConnection = OrderConnectionFactory(project=project)
    other: OrderConnection = OrderConnectionFactory(project=project)
    rows = [(None, 1, "POSTNL"), (pair, 2, "DHL"), (pair, 1, "GLS"), (other, 1, "UPS")]
    for owner, position, transporter in rows:
        TransporterRule.objects.create(
            company=inside, project=project, order_connection=owner, position=position, transporter=transporter
        )
    assert [rule.transporter for rule in TransporterRule.objects.asked_for(pair)] == ["GLS", "DHL", "POSTNL"]
