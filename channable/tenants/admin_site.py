"""The admin: the one place where people of ours look over all companies."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from channable.tenants.scope import all_companies

# A filter that no index serves must not hold the database that the syncs need.
MOST_SECONDS = 20

View = Callable[..., HttpResponseBase]


class OrderSyncAdminSite(AdminSite):
    """Django's admin behind our own log-in, with both walls opened for each of its views."""

    site_title = _("Order sync admin")
    site_header = _("Order sync")
    index_title = _("All companies")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Who may enter is asked first; only then the walls are opened."""
        return super().admin_view(over_all_companies(view), cacheable)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The log-in of everybody, with its rate limits and second factor; 403 for who may not enter."""
        answer: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return answer


def over_all_companies(view: View) -> View:
    """Run a view and render its template over every company, in one transaction.

    Rendering is part of it, because lists are read while the template loops. An exception or an
    answer of 500 and above rolls everything back.
    """

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with all_companies():  # the admin is for our own staff and shows what belongs to anybody
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{MOST_SECONDS}s'")
            response = view(request, *args, **kwargs)
            if hasattr(response, "render"):
                response = response.render()
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    return opened
