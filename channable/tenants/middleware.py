"""The one place where a page's request enters its company."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from channable.tenants.models import Company, Membership
from channable.tenants.scope import company_scope


class CompanyMiddleware:
    """Runs views below `/companies/<company_id>/` inside that company, for its members only.

    The view and the rendering of its template happen in one transaction, which is rolled back when
    the answer is an error of ours. To anybody else the company does not exist (404).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if "company_id" not in kwargs or getattr(view, "opens_own_scope", False):
            return None
        if not request.user.is_authenticated:
            return to_the_log_in(request)
        company_id = kwargs.pop("company_id")
        membership = membership_of(request, company_id)
        if request.session.get("company") != company_id:
            request.session["company"] = company_id  # where home leads to next time
        with company_scope(company_id):
            request.membership = membership  # type: ignore[attr-defined]
            request.company = Company.objects.get(pk=company_id)  # type: ignore[attr-defined]
            response = view(request, *args, **kwargs)
            if hasattr(response, "render"):
                response = response.render()
            if response.status_code >= 500:
                transaction.set_rollback(True)
        add_never_cache_headers(response)  # personal data; also after signing out and going back
        return response


def membership_of(request: HttpRequest, company_id: int) -> Membership:
    """Raises Http404: to anybody but its members a company does not exist."""
    membership = Membership.objects.filter(user_id=request.user.pk or 0, company_id=company_id).first()
    if membership is None:
        raise Http404
    return membership


def to_the_log_in(request: HttpRequest) -> HttpResponse:
    """htmx would put the log-in's page into a part of this one: it is told to load the whole page again."""
    if "HX-Request" in request.headers:
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())
