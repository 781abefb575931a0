"""Every text column of a company's tables is decided about: personal, or harmless."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import CharField, JSONField, TextField

from channable.tenants.models import TenantModel
from orders.personal_data import HARMLESS, PERSONAL_DATA

MODELS = [model for model in apps.get_models() if issubclass(model, TenantModel)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_text_column_is_personal_or_harmless_and_not_both(model: type[TenantModel]) -> None:
    columns = {
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField | JSONField) and not field.is_relation
    }
    personal = set(PERSONAL_DATA.get(model._meta.label, ()))
    harmless = set(HARMLESS.get(model._meta.label, ()))
    assert personal | harmless == columns
    assert not personal & harmless


def test_the_registry_names_models_that_exist() -> None:
    known = {model._meta.label for model in MODELS}
    assert set(PERSONAL_DATA) | set(HARMLESS) <= known
