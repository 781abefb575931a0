"""Live and ready: what a supervisor may ask without signing in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


def test_live_asks_nobody() -> None:
    response = Client().get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})


@pytest.mark.django_db
def test_ready_when_database_and_broker_answer(client: Client) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "database": "ok", "broker": "ok"})


@pytest.mark.django_db
def test_not_ready_names_the_part_and_no_address(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["broker"] == "unreachable"
    assert "secret" not in response.content.decode()
