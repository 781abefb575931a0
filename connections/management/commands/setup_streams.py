"""What connectors have learned to read since their accounts were connected."""

from __future__ import annotations

from typing import Any

from channable.core.keyring import SealBroken
from channable.tenants.management.base import Done, JsonCommand
from channable.tenants.scope import all_companies, company_scope
from connections.models import Connection, Stream
from connections.streams import ensure_streams


class Command(JsonCommand):
    help = "Make the streams that connected accounts lack, and switch off those that are no longer read."

    def work(self, **options: Any) -> Done:
        with all_companies():  # every account of the installation
            accounts = list(Connection.objects.filter(deleted_at=None).order_by("pk").values_list("company_id", "pk"))
        before, locked = _count(), 0
        for company_id, connection_id in accounts:
            try:
                with company_scope(company_id):
                    ensure_streams(Connection.objects.get(pk=connection_id))
            except SealBroken:  # the page of the account says so, and asks for the key
                locked += 1
        made = _count() - before
        text = f"{made} streams were new."
        if locked:
            text += f" The credentials of {locked} accounts can't be opened."
        return Done(text, {"accounts": len(accounts), "made": made, "locked": locked})


def _count() -> int:
    with all_companies():  # as above
        return int(Stream.objects.count())
