"""The five roles and what each may do. One table; views and the API ask `allows`."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    EMPLOYEE = "employee", _("Employee")
    COLLABORATOR = "collaborator", _("Collaborator")
    READ_ONLY = "read_only", _("Read-only")
    SETUP_ONLY = "setup_only", _("Setup-only")


class Permission(StrEnum):
    VIEW_ORDERS = "view_orders"
    HANDLE_ORDERS = "handle_orders"  # resend, ship, cancel, handle manually
    VIEW_SETUP = "view_setup"
    CHANGE_SETUP = "change_setup"  # connect accounts, create order connections
    RUN_SYNCS = "run_syncs"  # activate, pause, sync now, delete, change settings
    VIEW_INVOICES = "view_invoices"
    MANAGE_MEMBERS = "manage_members"  # invite, remove, change roles, API tokens


ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.EMPLOYEE: frozenset(Permission) - {Permission.MANAGE_MEMBERS},
    Role.COLLABORATOR: frozenset(Permission) - {Permission.MANAGE_MEMBERS, Permission.VIEW_INVOICES},
    Role.READ_ONLY: frozenset({Permission.VIEW_ORDERS, Permission.VIEW_SETUP}),
    Role.SETUP_ONLY: frozenset({Permission.VIEW_ORDERS, Permission.VIEW_SETUP, Permission.CHANGE_SETUP}),
}


def allows(role: str, permission: Permission) -> bool:
    return permission in ALLOWED[Role(role)]
