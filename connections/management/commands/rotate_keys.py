"""Seal every stored secret again with the newest key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from channable.core.keyring import SealBroken
from channable.tenants.management.base import Done, JsonCommand, Refused
from channable.tenants.scope import all_companies
from connections.models import Connection, key_ring

BATCH = 50


class Command(JsonCommand):
    help = (
        "Seal all stored credentials with the first of CREDENTIAL_KEYS. Works while syncs run. First give every "
        "process the new key in second place, then in first place; take the old one away after this command."
    )

    def work(self, **options: Any) -> Done:
        key = key_ring().current_key_id
        resealed, unreadable, last = 0, [], 0
        while batch := seal_batch(key, after=last):
            resealed += len(batch.resealed)
            unreadable += batch.unreadable
            last = max(batch.resealed + batch.unreadable)
        if unreadable:
            raise Refused(
                f"{resealed} connections were sealed with {key!r}; {len(unreadable)} can't be opened with any key of "
                f"the ring: {', '.join(map(str, unreadable))}. Bring their key back, or have them connected again.",
                resealed=resealed,
                unreadable=unreadable,
            )
        return Done(f"{resealed} connections were sealed with {key!r}.", {"resealed": resealed, "key": key})


@dataclass
class Batch:
    """Ids of connections, by what became of them."""

    resealed: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.resealed or self.unreadable)


def seal_batch(key: str, *, after: int) -> Batch:
    """The next connections with a secret under another key, in one short transaction. Their rows are
    locked, so that a token or credentials renewed meanwhile are never overwritten by older ones."""
    batch = Batch()
    stale = _under_another_key("sealed_credentials", key) | _under_another_key("sealed_token", key)
    with all_companies():  # the keys are the system's, not a company's
        rows = Connection.objects.filter(stale, pk__gt=after).order_by("pk").select_for_update()
        for connection in rows[:BATCH]:
            (batch.resealed if _reseal(connection) else batch.unreadable).append(connection.pk)
    return batch


def _under_another_key(field_name: str, key: str) -> Q:
    return ~Q(**{field_name: ""}) & ~Q(**{f"{field_name}__startswith": f"{key}:"})


def _reseal(connection: Connection) -> bool:
    """Whether its credentials could be opened. A token that can't be is dropped: it is asked for anew."""
    try:
        connection.sealed_token = connection.seal("token", token) if (token := connection.unseal("token")) else ""
    except SealBroken:
        connection.sealed_token = ""
    try:
        credentials = connection.unseal("credentials")
    except SealBroken:
        return False
    connection.sealed_credentials = connection.seal("credentials", credentials) if credentials else ""
    connection.save(update_fields=["sealed_credentials", "sealed_token"])
    return True
