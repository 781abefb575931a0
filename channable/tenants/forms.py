"""The extra fields of the sign-up page."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from channable.tenants.models import User
from channable.tenants.services import found_company


class SignUpForm(forms.Form):
    """allauth asks for e-mail and password; a company comes into being with its first person."""

    name = forms.CharField(label=_("Your name"), max_length=200, widget=forms.TextInput({"autocomplete": "name"}))
    company_name = forms.CharField(
        label=_("Company"), max_length=200, widget=forms.TextInput({"autocomplete": "organization"})
    )
    field_order = ("name", "company_name", "email", "password1")

    def signup(self, request: HttpRequest, user: User) -> None:
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
        found_company(name=self.cleaned_data["company_name"], owner=user)
