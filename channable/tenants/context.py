"""What every template may know of the company."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from channable.tenants.roles import Permission


def company(request: HttpRequest) -> dict[str, Any]:
    """`company`, `membership` and `may` (permission name -> bool); empty outside a company."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {"company": None, "membership": None, "may": {}}
    may = {permission.value: membership.may(permission) for permission in Permission}
    return {"company": request.company, "membership": membership, "may": may}  # type: ignore[attr-defined]
