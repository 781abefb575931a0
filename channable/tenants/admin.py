"""Companies, people and keys in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

import allauth.mfa.admin  # noqa: F401 - registers the page that is replaced below
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channable.tenants.admin_base import BoundedAdmin, CompanyFilter, ReadOnlyAdmin, ReadOnlyInline
from channable.tenants.models import ApiToken, Company, Membership, Project, User


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = ("user", "role", "created_at")
    select_related = ("user",)
    parent_field = "company"


@admin.register(Company)
class CompanyAdmin(BoundedAdmin):
    """Never deleted here: closing a company is a service that keeps its orders."""

    list_display = ("id", "name", "billing_time_zone", "sync_paused_reason", "created_at")
    list_display_links = ("id", "name")
    search_fields = ("name",)
    readonly_fields = ("created_at",)
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """`create_company` or the sign-up page does, with an owner and a project."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"


class NewUserForm(BaseUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")
        field_classes: ClassVar = {"email": forms.EmailField}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserForm
    add_form = NewUserForm
    show_full_result_count = False
    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_active", "created_at", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "name")
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "time_zone")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Nobody lifts himself: only superusers hand out rights."""
        own: tuple[Any, ...] = tuple(super().get_readonly_fields(request, obj))
        if request.user.is_superuser:
            return own
        return (*own, "is_active", "is_staff", "is_superuser", "groups", "user_permissions", "email")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser's password and address are a superuser's business."""
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not is_above and super().has_change_permission(request, obj)


@admin.register(Membership)
class MembershipAdmin(BoundedAdmin):
    list_display = ("user", "company", "role", "created_at")
    list_select_related = ("user", "company")
    list_filter = ("role", CompanyFilter)
    search_fields = ("user__email", "company__name")
    autocomplete_fields = ("user", "company")
    readonly_fields = ("created_at",)


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "company", "created_at")
    list_display_links = ("id", "name")
    list_select_related = ("company",)
    list_filter = (CompanyFilter,)
    search_fields = ("name", "company__name")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Made by a company's owner or `create_api_token`, which show the secret once; revoked here."""

    list_display = ("hint", "company", "label", "created_at", "expires_at", "revoked_at")
    list_select_related = ("company",)
    list_filter = (CompanyFilter,)
    search_fields = ("hint", "label", "company__name")
    fields = ("company", "label", "hint", "created_by", "created_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tenants.change_apitoken")

    @admin.action(description=_("Revoke the selected tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        for token in queryset:
            self.log_change(request, token, "Revoked.")
        self.message_user(request, _("%(count)s tokens revoked.") % {"count": count})


# The package's own page for this model shows the secret of a person's second factor.
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """A person's second factors. Deleting one lets in who lost a phone; its secret is never shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = ("type",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("mfa.delete_authenticator")
