"""Root routes. Everything of a company is below /companies/<company_id>/, where its middleware lets members in."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
