"""What must be right before anything starts. Each finding has a hint that says what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from channable.core.keyring import KeyRing

OUR_APPS = {"tenants", "connections", "orders", "billing"}
OWNER_ROLE = "channable_owner"


@register(Tags.security)
def secret_key_is_set(**_: Any) -> list[CheckMessage]:
    if len(settings.SECRET_KEY) >= 32:
        return []
    hint = "Set SECRET_KEY to at least 32 random characters: python -c 'import secrets; print(secrets.token_hex(32))'"
    return [Error("There is no usable SECRET_KEY.", hint=hint, id="channable.E001")]


@register(Tags.security)
def credential_keys_are_usable(**_: Any) -> list[CheckMessage]:
    hint = (
        "Set CREDENTIAL_KEYS to <id>:<base64 of 32 random bytes>, the newest first: "
        "python -c 'import os,base64; print(\"k1:\" + base64.b64encode(os.urandom(32)).decode())'"
    )
    try:
        usable = bool(KeyRing(settings.CREDENTIAL_KEYS))
    except ValueError as error:
        return [Error(f"CREDENTIAL_KEYS cannot be used: {error}.", hint=hint, id="channable.E002")]
    return [] if usable else [Error("There are no CREDENTIAL_KEYS.", hint=hint, id="channable.E002")]


@register(Tags.models)
def every_model_is_walled_or_listed(**_: Any) -> list[CheckMessage]:
    from channable.tenants.models import GLOBAL_MODELS, WALLED_BY_OWN_ID, TenantModel

    return [
        Error(
            f"{model._meta.label} is neither a TenantModel nor in GLOBAL_MODELS.",
            hint="Derive it from TenantModel and wall its table off in the migration, or list it with a reason.",
            id="channable.E003",
        )
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS
        and not issubclass(model, TenantModel)
        and model._meta.label not in GLOBAL_MODELS
        and model._meta.label not in WALLED_BY_OWN_ID
    ]


@register(Tags.database)
def role_cannot_pass_the_wall(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    if not databases:
        return []
    problem = role_problem()
    if not problem:
        return []
    hint = "DATABASE_URL must log in as channable_app; `manage.py setup_database` makes the roles."
    return [Error(problem, hint=hint, id="channable.E004")]


def role_problem() -> str:
    """Why the connected role ignores row-level security, or ""."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper, rolbypassrls, "
            "       EXISTS (SELECT 1 FROM pg_class WHERE relowner = pg_roles.oid AND relkind IN ('r', 'p')) "
            "FROM pg_roles WHERE rolname = current_user"
        )
        name, is_super, bypasses, owns = cursor.fetchone()
    if is_super:
        return f"The database role {name} is a superuser, and superusers ignore the wall between companies."
    if bypasses:
        return f"The database role {name} has BYPASSRLS and ignores the wall between companies."
    if owns or name == OWNER_ROLE:
        return f"The database role {name} owns the tables; only the role that cannot change them may serve."
    return ""


def refuse_wrong_role() -> None:
    """Called when a web process, worker or beat starts."""
    problem = role_problem()
    if problem:
        raise ImproperlyConfigured(problem)
    connection.close()  # a forked child must not share this socket


@register()
def intervals_make_sense(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not 5 <= settings.SYNC_INTERVAL_SECONDS <= 86_400:
        hint = "300 is the product's promise; the demo uses 10."
        found.append(Error("SYNC_INTERVAL_SECONDS must be 5 to 86400.", hint=hint, id="channable.E005"))
    if not 0 <= settings.TRACKING_WAIT_SECONDS <= 259_200:
        hint = "10800 (three hours) is the default; 72 hours are the most."
        found.append(Error("TRACKING_WAIT_SECONDS must be 0 to 259200.", hint=hint, id="channable.E006"))
    if not 0.01 <= settings.ENGINE_WAIT_SCALE <= 1:
        hint = "1 is made for real remotes; less is for proofs on simulated ones."
        found.append(Error("ENGINE_WAIT_SCALE must be 0.01 to 1.", hint=hint, id="channable.E007"))
    if not 1 <= settings.ATTACHMENTS_KEPT_DAYS <= 3650:
        hint = "90 is the default; invoices and labels hold personal data."
        found.append(Error("ATTACHMENTS_KEPT_DAYS must be 1 to 3650.", hint=hint, id="channable.E013"))
    if settings.ALLOW_PRIVATE_ADDRESSES and not settings.DEMO:
        hint = "Merchants type shop addresses: with this on they can reach your own network."
        found.append(Warning("ALLOW_PRIVATE_ADDRESSES is on.", hint=hint, id="channable.W001"))
    return found


@register(Tags.security)
def private_files_are_private(**_: Any) -> list[CheckMessage]:
    """Where the files of orders are kept: a bucket with what it needs, or a folder for us alone."""
    if settings.PRIVATE_FILES_BUCKET:
        if find_spec("storages") and find_spec("boto3"):
            return []
        hint = "Install the extra `s3`: uv sync --extra s3."
        return [Error("PRIVATE_FILES_BUCKET is set and django-storages is missing.", hint=hint, id="channable.E010")]
    folder = Path(settings.PRIVATE_FILES_DIR).resolve()
    served = [Path(one).resolve() for one in (settings.STATIC_ROOT, *settings.STATICFILES_DIRS)]
    if any(folder == one or one in folder.parents or folder in one.parents for one in served):
        hint = "They hold personal data, and static files are for everybody: choose another folder."
        return [Error("PRIVATE_FILES_DIR overlaps with a folder of static files.", hint=hint, id="channable.E011")]
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        hint = "Web and worker write there, as this very user."
        return [Error(f"PRIVATE_FILES_DIR ({folder}) can't be written to.", hint=hint, id="channable.E012")]
    if nearest == folder and folder.stat().st_mode & 0o077:
        hint = f"chmod 700 {folder}: its files hold personal data."
        return [Warning("Other users of this machine can look into PRIVATE_FILES_DIR.", hint=hint, id="channable.W010")]
    return []
