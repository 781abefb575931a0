"""Root routes. Everything of a company is below /companies/<company_id>/, where its middleware lets members in."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from channable.pages import health, views
from orders import attachment_views

urlpatterns = [
    path("", views.home, name="home"),
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("files/<str:token>", attachment_views.file, name="file"),  # the link itself opens it, for five minutes
    path("companies/<int:company_id>/orders/", include("orders.urls")),
    path("companies/<int:company_id>/", include("channable.pages.urls")),
]
