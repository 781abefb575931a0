"""Companies, people and the base of every row a company owns."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from channable.tenants.roles import Permission, Role, allows


class Company(models.Model):
    """The tenant. Its own row is behind the wall too: a company sees itself alone."""

    name = models.CharField(_("name"), max_length=200)
    billing_time_zone = models.CharField(_("billing time zone"), max_length=64, default="Europe/Amsterdam")
    sync_paused_reason = models.CharField(
        _("reason why syncing is paused"), max_length=200, blank=True, help_text=_("Empty while orders are synced.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")

    def __str__(self) -> str:
        return self.name


class TenantModel(models.Model):
    """A row that belongs to a company: both walls stand before it.

    `company` is set by whoever creates the row. The migration that creates the table calls
    `WallOff`, which adds the policies and the composite keys.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        abstract = True


def scoped_manager(queryset: type[models.QuerySet[Any]] | None = None) -> Any:
    """The manager of a TenantModel: raises without a company, filters by it with one."""
    manager = models.Manager.from_queryset(queryset) if queryset else models.Manager
    return ScopedManager(company="company_id", _manager_class=manager)


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A foreign key to another row of the same company.

    Django's own constraint is left out: the migration operation `WallOff` adds a composite one on
    (company_id, <field>_id), so that no row can point into another company. Not indexed by itself;
    each model names the indexes that its lists need.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete, **kwargs)


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who signs in with an e-mail address and may belong to several companies."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Amsterdam")
    is_staff = models.BooleanField(_("may use the admin"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email


class Membership(models.Model):
    """A person's role in a company. Outside the wall: it is what opens the wall."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.EMPLOYEE)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "company"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"

    def may(self, permission: Permission) -> bool:
        return allows(self.role, permission)


class Project(TenantModel):
    """A folder inside a company: order connections, orders, returns, stock, transporter rules."""

    name = models.CharField(_("name"), max_length=200)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = scoped_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")

    def __str__(self) -> str:
        return self.name


TOKEN_PREFIX = "cos_"  # noqa: S105 - recognisable for secret scanners
TOKEN_LIFETIME = timedelta(days=365)
MOST_VALID_TOKENS = 2  # so that a client can rotate without downtime


class TooManyTokens(Exception):
    """The company already has as many valid tokens as it may have."""


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self, now: datetime | None = None) -> ApiTokenQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=now or timezone.now())


class ApiToken(models.Model):
    """A company's key to the REST API; only its hash is kept.

    Outside the wall: it is looked up before the company is known, and a token of another company
    has to give 403, not 401.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(_("label"), max_length=100, blank=True)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(_("begins with"), max_length=12, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = models.Manager.from_queryset(ApiTokenQuerySet)()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.hint}…"

    @staticmethod
    def hash_of(secret: str) -> str:
        """SHA-256 is enough: the secret has 256 random bits, so there is nothing to guess slowly."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, company: Company, *, label: str = "", created_by: User | None = None) -> tuple[ApiToken, str]:
        """A new token and its secret, which is shown once. Raises TooManyTokens."""
        if cls.objects.filter(company=company).valid().count() >= MOST_VALID_TOKENS:
            raise TooManyTokens(f"Two tokens are valid already; revoke one of {company} first.")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token = cls.objects.create(
            company=company,
            label=label,
            hash=cls.hash_of(secret),
            hint=secret[:10],
            created_by=created_by,
            expires_at=timezone.now() + TOKEN_LIFETIME,
        )
        return token, secret


# Models that stand outside the second wall, each with its reason. The system check channable.E003
# refuses any other model that isn't a TenantModel.
GLOBAL_MODELS: dict[str, str] = {
    "tenants.User": "a person may belong to several companies",
    "tenants.Membership": "is read to find out which company a person may enter",
    "tenants.ApiToken": "is looked up by hash before the company is known",
    "connections.Heartbeat": "belongs to the engine, not to a company",
}
WALLED_BY_OWN_ID = {"tenants.Company"}
