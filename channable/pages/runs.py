"""Sync runs: the list, and one told as a story."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from connections.models import OrderConnection, RunOutcome, SyncRun
from connections.presenters import problem, run_row
from orders.models import EventLevel, OrderEvent
from orders.paging import Page, page_links, with_query
from orders.timeline import LEVEL_TONES

MOST_EVENTS = 100
TABS = {
    "all": (_("All"), None),
    "failed": (_("Failed"), RunOutcome.FAILED),
    "limited": (_("Slowed down"), RunOutcome.LIMITED),
}


def runs_in(tab: str, pair: OrderConnection | None) -> QuerySet[SyncRun]:
    """The runs of a tab, all or those of the two accounts of an order connection."""
    runs = SyncRun.objects.select_related("connection", "stream")
    _label, outcome = TABS[tab]
    if outcome:
        runs = runs.filter(outcome=outcome)
    if pair is not None:
        runs = runs.filter(connection_id__in=[pair.marketplace_id, pair.shop_id])
    return runs


def run_list_context(company_id: int, page: Page, query: dict[str, str]) -> dict[str, Any]:
    url = reverse("setup:runs", args=[company_id])
    return {
        "tabs": [
            {
                "key": key,
                "label": label,
                "count": None,
                "url": with_query(url, {**query, "tab": key}),
                "is_active": key == query["tab"],
            }
            for key, (label, _outcome) in TABS.items()
        ],
        "runs": [run_row(run, reverse("setup:run", args=[company_id, run.pk])) for run in page.rows],
        "page": page_links(page, url, query),
    }


def run_context(run: SyncRun, *, may_see: bool) -> dict[str, Any]:
    """What connections/sync_run_detail.html shows; `may_see`: the remote's answer too."""
    found = problem(run.error_code, since=run.started_at, detail=run.error_detail, shows_detail=may_see)
    return {
        "list_url": reverse("setup:runs", args=[run.company_id]),
        "run": {**run_row(run, ""), "connection_url": reverse("setup:connections", args=[run.company_id])},
        "progress": None,
        "problem": found if run.error_code else None,
        "timeline": [_entry(event) for event in _events_of(run)],
    }


def _events_of(run: SyncRun) -> QuerySet[OrderEvent]:
    """The moments are for the index; the run's number decides."""
    recorded = (run.started_at, run.finished_at or timezone.now())
    events = OrderEvent.objects.filter(run_id=run.pk, recorded_at__range=recorded)
    return events.select_related("order").order_by("recorded_at", "id")[:MOST_EVENTS]


def _entry(event: OrderEvent) -> dict[str, Any]:
    return {
        "at": event.recorded_at,
        "title": f"{event.order.number}: {event.message}",
        "detail": "",
        "actor": event.get_actor_display(),
        "icon": "box",
        "tone": LEVEL_TONES[EventLevel(event.level)],
        "recorded_at": None,
        "exchanges": [],
    }
