"""Which member may do what on a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from channable.tenants.models import Company, Membership, User
from channable.tenants.roles import Permission


class CompanyRequest(HttpRequest):
    """A request inside a company, as views below /companies/<id>/ get it."""

    company: Company
    membership: Membership
    user: User


View = Callable[..., HttpResponse]


def requires(permission: Permission) -> Callable[[View], View]:
    """Refuse (403) members whose role lacks `permission`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: CompanyRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.membership.may(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate
