"""A new company with its owner."""

from __future__ import annotations

import sys
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from channable.tenants.management.base import Done, JsonCommand
from channable.tenants.models import Project, User
from channable.tenants.scope import company_scope
from channable.tenants.services import found_company


class Command(JsonCommand):
    help = (
        "Make a company with its first project and its owner. A new owner without --password-stdin chooses a "
        "password with “Forgot your password?”; somebody who has an account already just becomes its owner."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="The company's name.")
        parser.add_argument("--owner-email", required=True, metavar="E-MAIL", help="Who owns it.")
        parser.add_argument("--password-stdin", action="store_true", help="Read a new owner's password from stdin.")

    @transaction.atomic
    def work(self, **options: Any) -> Done:
        name = options["name"].strip()
        if not 0 < len(name) <= 200:
            raise CommandError("The name must have 1 to 200 characters.")
        owner, is_new = owner_of(options["owner_email"], _password() if options["password_stdin"] else None)
        company = found_company(name=name, owner=owner)
        with company_scope(company.pk):
            project = Project.objects.get(company=company)
        facts = {"company": company.pk, "project": project.pk, "user": owner.pk, "user_is_new": is_new}
        return Done(f"Company {company.pk} “{company}”, project {project.pk}, owner {owner.email}.", facts)


def _password() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def owner_of(email: str, password: str | None) -> tuple[User, bool]:
    """The person with this address and whether it is a new one; whoever runs commands vouches for
    the address. Raises ValidationError, and CommandError for a second password of somebody known."""
    validate_email(email)
    known = User.objects.filter(email__iexact=email).first()
    if known is not None:
        if password is not None:
            raise CommandError(f"{known.email} has an account already, with a password of its own.")
        return known, False
    if password is not None:
        validate_password(password, User(email=email))
    user = User.objects.create_user(email, password)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user, True
