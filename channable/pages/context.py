"""What every page of a signed-in person shows around its content."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from channable.tenants.roles import Permission
from channable.tenants.services import companies_of

# (route, label, icon, permission, beginnings of the routes that make it the active one)
ENTRIES = (
    ("orders:list", _("Orders"), "box", Permission.VIEW_ORDERS, ("orders:",)),
    ("orders:returns", _("Returns"), "return", Permission.VIEW_ORDERS, ("orders:returns",)),
    ("setup:order_connections", _("Order connections"), "link", Permission.VIEW_SETUP, ("setup:order_connection",)),
    ("setup:connections", _("Connections"), "plug", Permission.VIEW_SETUP, ("setup:connections",)),
    ("setup:runs", _("Sync runs"), "sync", Permission.VIEW_SETUP, ("setup:run",)),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`navigation` and `companies` for base.html; empty outside a company."""
    company = getattr(request, "company", None)
    if company is None:
        return {"navigation": [], "companies": []}
    companies = [
        {"name": name, "url": reverse("orders:list", args=[pk]), "is_current": pk == company.pk}
        for pk, name in companies_of(request.user, inside=company)  # type: ignore[arg-type]
    ]
    return {"navigation": _entries(request, company.pk), "companies": companies}


def _entries(request: HttpRequest, company_id: int) -> list[dict[str, Any]]:
    here = request.resolver_match.view_name if request.resolver_match else ""
    membership = request.membership  # type: ignore[attr-defined]
    return [
        {
            "label": label,
            "url": reverse(route, args=[company_id]),
            "icon": icon,
            "is_active": _is_active(here, prefixes),
            "count": None,
        }
        for route, label, icon, permission, prefixes in ENTRIES
        if membership.may(permission)
    ]


def _is_active(here: str, prefixes: tuple[str, ...]) -> bool:
    """The entry with the longest beginning of the route's name."""
    fitting = [prefix for *_entry, every in ENTRIES for prefix in every if here.startswith(prefix)]
    return max(fitting, key=len, default="") in prefixes
