"""Puts our admin site in the place of Django's, so that every package registers with it."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OrderSyncAdminConfig(AdminConfig):
    default_site = "channable.tenants.admin_site.OrderSyncAdminSite"
