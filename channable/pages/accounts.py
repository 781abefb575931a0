"""The company's accounts as their page shows them, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from channable.tenants.models import Membership
from channable.tenants.roles import Permission
from connections.models import Connection, OrderConnection, Stream
from connections.presenters import account_problem, kind_label, state_badge


def account_rows(accounts: Sequence[Connection], membership: Membership) -> list[dict[str, Any]]:
    used: dict[int, int] = {}
    for marketplace, shop in OrderConnection.objects.present().values_list("marketplace_id", "shop_id"):
        used[marketplace] = used.get(marketplace, 0) + 1
        used[shop] = used.get(shop, 0) + 1
    checked: dict[int, datetime] = {}
    for stream in Stream.objects.exclude(last_success_at=None):
        if at := stream.last_success_at:
            checked[stream.connection_id] = max(at, checked.get(stream.connection_id, at))
    may_see = membership.may(Permission.HANDLE_ORDERS)
    return [
        {
            "label": account.label,
            "kind": account.kind,
            "system_label": kind_label(account.kind),
            "account_name": account.account_name,
            "account_id": account.account_id,
            "badge": state_badge(account),
            "used_by": used.get(account.pk, 0),
            "checked_at": checked.get(account.pk),
            "not_before": account.not_before if account.not_before > timezone.now() else None,
            "problem": account_problem(account, shows_detail=may_see),
        }
        for account in accounts
    ]
