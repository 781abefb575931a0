"""*Sync now*: the button, how far it has come, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from channable.pages.pairs import feeding, streams_of
from channable.tenants.models import Company, Membership
from channable.tenants.roles import Permission
from connections.messages import message_for
from connections.models import Connection, ConnectionState, OrderConnection, Stream, SyncRun

RESULT_OF = timedelta(minutes=2)  # the runs that a result tells of


def sync_state(
    pair: OrderConnection,
    company: Company,
    membership: Membership,
    streams: Sequence[Stream] | None = None,
    *,
    tells_result: bool = False,
) -> dict[str, Any]:
    """What connections/_sync_now.html shows: the button, a sync under way, or why there is no button."""
    if streams is None:
        streams = feeding(pair, streams_of({pair.marketplace_id, pair.shop_id}))
    why_not = _why_not(pair, company, membership)
    progress = None if why_not else _progress(streams)
    return {
        "url": reverse("setup:order_connection_sync", args=[pair.company_id, pair.pk]),
        "is_allowed": not why_not,
        "why_not": why_not,
        "progress": progress,
        "result": _result(pair) if tells_result and progress is None else None,
    }


def _why_not(pair: OrderConnection, company: Company, membership: Membership) -> str:
    if not membership.may(Permission.RUN_SYNCS):
        return _("Your role may not start a sync.")
    if company.sync_paused_reason:
        return _("Syncing is paused for this company: %(reason)s") % {"reason": company.sync_paused_reason}
    if not pair.is_active:
        return _("Activate the order connection first.")
    return _not_ready(pair.marketplace) or _not_ready(pair.shop)


def _not_ready(account: Connection) -> str:
    name = {"account": account.label}
    if account.state == ConnectionState.EXPIRED:
        return _("“%(account)s” has to be connected again first.") % name
    if account.is_paused:
        return _("“%(account)s” is paused.") % name
    if account.not_before > timezone.now():
        return _("“%(account)s” is given a pause; it goes on by itself.") % name
    return ""


def _progress(streams: Sequence[Stream]) -> dict[str, Any] | None:
    """Under way: leased by a worker, or due by now and waiting for one."""
    now = timezone.now()
    running = [one for one in streams if _is_leased(one, now)]
    waiting = [one for one in streams if one.next_run_at <= now and one not in running]
    if not running and not waiting:
        return None
    done = len(streams) - len(running) - len(waiting)
    return {
        "label": _("Syncing") if running else _("Waiting for its turn"),
        "value": done,
        "maximum": len(streams),
        "detail": _("%(done)d of %(all)d reads done") % {"done": done, "all": len(streams)},
    }


def _is_leased(stream: Stream, now: datetime) -> bool:
    return stream.lease_until is not None and stream.lease_until > now


def _result(pair: OrderConnection) -> dict[str, str]:
    """How the runs that just ended went. Runs that found nothing leave no row."""
    since = timezone.now() - RESULT_OF
    runs = SyncRun.objects.filter(connection_id__in=[pair.marketplace_id, pair.shop_id], started_at__gte=since)
    failed = runs.exclude(error_code="").order_by("-started_at").first()
    if failed is not None:
        return {"tone": "danger", "icon": "x-circle", "text": str(message_for(failed.error_code).title)}
    counts = runs.aggregate(new=Sum("new", default=0), changed=Sum("changed", default=0))
    found = _("Done: %(new)d new, %(changed)d changed.") % counts
    return {
        "tone": "success",
        "icon": "check-circle",
        "text": found if any(counts.values()) else _("Done: nothing new."),
    }
