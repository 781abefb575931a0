"""How many orders were synced: counted from facts each time, so it can always be counted again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count

from channable.tenants.models import Company
from orders.models import SyncedOrder


def synced_orders(company: Company, month: date) -> dict[int, int]:
    """Orders first synced in the calendar month of `month`, per seller account (connection id).

    A month begins and ends at midnight in the company's billing time zone.
    """
    start, end = _month_in(ZoneInfo(company.billing_time_zone), month)
    facts = SyncedOrder.objects.filter(first_synced_at__gte=start, first_synced_at__lt=end)
    return dict(facts.values_list("connection_id").annotate(Count("id")).order_by("connection_id"))


def _month_in(zone: ZoneInfo, month: date) -> tuple[datetime, datetime]:
    first = datetime(month.year, month.month, 1, tzinfo=zone)
    following = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=zone)
    return first.astimezone(UTC), following.astimezone(UTC)
