"""transporter_rules: list, add, remove, try."""

from __future__ import annotations

from typing import Any

import pytest

from connections.models import OrderConnection
from tests.factories import OrderConnectionFactory, ProjectFactory


@pytest.fixture
def pair(transactional_db: None) -> OrderConnection:
    pair: OrderConnection = OrderConnectionFactory()
    return pair


@pytest.fixture
def rules(pair: OrderConnection, run: Any) -> Any:
    def call(*arguments: Any) -> Any:
        return run("transporter_rules", "--company", pair.company_id, "--project", pair.project_id, *arguments)

    return call


def test_rules_are_added_listed_tried_and_removed(rules: Any) -> None:
    assert rules() == {"rules": []}
    rules("--add", "DHL", "--pattern", "D-*", "--remove-match")
    made = rules("--add", "BPOST", "--country", "BE")["rules"]
    assert [(row["pattern"], row["country_code"], row["transporter"]) for row in made] == [
        ("D-*", "", "DHL"),
        ("", "BE", "BPOST"),
    ]
    assert rules("--try", "D-77") == {"transporter": "DHL", "tracking_code": "77"}
    assert rules("--try", "77", "--country", "BE")["transporter"] == "BPOST"
    assert rules("--try", "77")["transporter"] == ""
    assert [row["transporter"] for row in rules("--remove", made[0]["pk"])["rules"]] == ["BPOST"]


def test_rules_of_one_order_connection_stand_by_themselves(rules: Any, pair: OrderConnection) -> None:
    rules("--add", "DHL", "--order-connection", pair.pk)
    assert rules() == {"rules": []}
    assert [row["transporter"] for row in rules("--order-connection", pair.pk)["rules"]] == ["DHL"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--add", "NOBODY"], "no transporter"),
        (["--remove", "9"], "no rule 9"),
        (["--order-connection", "9"], "no order"),
    ],
)
def test_what_is_wrong_is_said(rules: Any, arguments: list[str], words: str) -> None:
    assert words in rules(*arguments)["error"]


def test_another_companys_project_is_not_there(pair: OrderConnection, run: Any) -> None:
    stranger = ProjectFactory()
    answer = run("transporter_rules", "--company", pair.company_id, "--project", stranger.pk)
    assert "no project" in answer["error"]
