"""The way in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from channable.tenants.models import User
from channable.tenants.services import companies_of

LAST_COMPANY = "company"  # in the session


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What this is, for visitors; else the orders of the company one worked in last, or, for somebody
    without one, what to do."""
    if not isinstance(request.user, User):
        return render(request, "pages/landing.html")
    companies = [pk for pk, _name in companies_of(request.user)]
    if companies:
        last = request.session.get(LAST_COMPANY)
        return redirect("orders:list", last if last in companies else companies[0])
    empty = {
        "icon": "user",
        "title": _("You belong to no company yet"),
        "text": _("Ask an owner of your company to invite this e-mail address, or sign up with a company of your own."),
        "url": None,
        "link_label": "",
    }
    return render(request, "pages/home.html", {"empty": empty, "steps": []})
