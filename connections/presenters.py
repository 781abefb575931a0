"""Accounts, errors and runs as pages show them: plain values for the templates, words through gettext."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from connections.connectors import CONNECTORS
from connections.messages import message_for
from connections.models import Connection, ConnectionState, RunOutcome, SyncRun

Badge = dict[str, str]

STATE_LOOK = {
    ConnectionState.WORKING: ("success", "check-circle"),
    ConnectionState.EXPIRED: ("danger", "key"),
    ConnectionState.FAULTY: ("warning", "alert"),
    ConnectionState.OUTDATED: ("warning", "shield"),
}
OUTCOME_LOOK = {
    RunOutcome.RUNNING: ("progress", "sync"),
    RunOutcome.DONE: ("success", "check-circle"),
    RunOutcome.LIMITED: ("warning", "clock"),
    RunOutcome.FAILED: ("danger", "x-circle"),
    RunOutcome.LOST: ("neutral", "circle"),
}
# The letters of Stream.outcomes.
LETTERS = {"d": ("success", lazy("Fine")), "l": ("warning", lazy("Slowed down")), "f": ("danger", lazy("Failed"))}


def kind_label(kind: str) -> str:
    return CONNECTORS[kind].label if kind in CONNECTORS else kind


def state_badge(connection: Connection) -> Badge:
    if connection.is_paused:
        return {"label": _("Paused"), "tone": "neutral", "icon": "pause"}
    tone, icon = STATE_LOOK[ConnectionState(connection.state)]
    return {"label": connection.get_state_display(), "tone": tone, "icon": icon}


def problem(
    code: str,
    *,
    since: datetime | None,
    detail: str = "",
    action: Mapping[str, Any] | None = None,
    shows_detail: bool = True,
    tone: str = "danger",
) -> dict[str, Any]:
    """What components/_problem.html wants to know of an error. `detail` is for those who may see answers."""
    message = message_for(code)
    technical = [{"label": _("Answer"), "value": detail}] if detail and shows_detail else []
    return {
        "title": message.title,
        "whose": _("On the side of the %(side)s") % {"side": message.side},
        "since": since,
        "meaning": message.meaning,
        "advice": message.remedy,
        "action": action,
        "technical": technical,
        "code": code,
        "tone": tone,
    }


def account_problem(connection: Connection, *, shows_detail: bool) -> dict[str, Any] | None:
    if not connection.error_code:
        return None
    tone = "danger" if connection.state == ConnectionState.EXPIRED else "warning"
    return problem(
        connection.error_code,
        since=connection.error_since,
        detail=connection.error_detail,
        shows_detail=shows_detail,
        tone=tone,
    )


def sparkline(outcomes: str) -> dict[str, Any]:
    """The last runs of a stream as bars, and in words."""
    bars = [{"tone": LETTERS[letter][0], "label": LETTERS[letter][1]} for letter in outcomes if letter in LETTERS]
    failed = outcomes.count("f")
    runs = ngettext("%(count)d run", "%(count)d runs", len(bars)) % {"count": len(bars)}
    text = _("%(runs)s: %(fine)d fine, %(failed)d failed") % {
        "runs": runs,
        "fine": len(bars) - failed,
        "failed": failed,
    }
    return {"outcomes": bars, "outcomes_text": text}


def run_row(run: SyncRun, url: str) -> dict[str, Any]:
    """One row of connections/_run_table.html; `run.connection` and `run.stream` are loaded."""
    tone, icon = OUTCOME_LOOK[RunOutcome(run.outcome)]
    return {
        "url": url,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_text": duration_text(run),
        "connection_label": run.connection.label,
        "kind": run.connection.kind,
        "stream": run.stream.name,
        "badge": {"label": run.get_outcome_display(), "tone": tone, "icon": icon},
        "seen": run.seen,
        "new": run.new,
        "changed": run.changed,
        "same": run.same,
        "passed_over": run.passed_over,
        "refused": run.refused,
        "error": {"title": message_for(run.error_code).title, "code": run.error_code} if run.error_code else None,
    }


def duration_text(run: SyncRun) -> str:
    if run.finished_at is None:
        return _("still running")
    seconds = (run.finished_at - run.started_at).total_seconds()
    return (
        _("%(seconds).1f s") % {"seconds": seconds}
        if seconds < 60
        else _("%(minutes)d min") % {"minutes": seconds / 60}
    )


def health(connections: Iterable[Connection], *, is_active: bool) -> dict[str, str]:
    """One sentence on an order connection: the worst that is true of its accounts."""
    if not is_active:
        return {"tone": "neutral", "text": _("Paused")}
    for connection in connections:
        if connection.state == ConnectionState.EXPIRED:
            return {
                "tone": "danger",
                "text": _("%(account)s has to be connected again") % {"account": connection.label},
            }
    for connection in connections:
        if connection.error_code:
            return {"tone": "warning", "text": str(message_for(connection.error_code).title)}
    return {"tone": "success", "text": _("Works")}
