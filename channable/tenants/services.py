"""Founding companies and letting people in."""

from __future__ import annotations

from channable.tenants.models import Company, Membership, Project, User
from channable.tenants.roles import Role
from channable.tenants.scope import all_companies


def found_company(*, name: str, owner: User | None = None, project: str = "My project") -> Company:
    """A new company with its first project; `owner` becomes its first member."""
    with all_companies():  # the company does not exist yet, so there is none to be inside of
        company = Company.objects.create(name=name)
        Project.objects.create(company=company, name=project)
    if owner is not None:
        Membership.objects.create(company=company, user=owner, role=Role.OWNER)
    return company


def companies_of(user: User, *, inside: Company | None = None) -> list[tuple[int, str]]:
    """(id, name) of the companies a person belongs to, oldest membership first.

    `inside` is the one they work in now: for those who belong to no other nothing more is asked.
    """
    ids = list(Membership.objects.filter(user=user).order_by("id").values_list("company_id", flat=True))
    if inside is not None and ids == [inside.pk]:
        return [(inside.pk, inside.name)]
    with all_companies():  # the names of several companies, all of them the person's own
        names = dict(Company.objects.filter(pk__in=ids).values_list("pk", "name"))
    return [(pk, names[pk]) for pk in ids if pk in names]
