"""Which member may do what on a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from channable.tenants.middleware import membership_of, to_the_log_in
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


def requires_outside(permission: Permission) -> Callable[[View], View]:
    """As `requires`, for a view that waits for something else between two transactions: it is called with
    `company_id` and opens its scopes itself."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: CompanyRequest, company_id: int, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return to_the_log_in(request)
            if not membership_of(request, company_id).may(permission):
                raise PermissionDenied
            response = view(request, company_id, *args, **kwargs)
            add_never_cache_headers(response)
            return response

        checked.opens_own_scope = True  # type: ignore[attr-defined]
        return checked

    return decorate
