"""Every address for every kind of visitor: nobody reaches another company, and each role what it may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from channable.tenants.models import Company, User
from channable.tenants.roles import ALLOWED, Permission, Role
from tests.factories import (
    AttachmentFactory,
    OrderConnectionFactory,
    OrderFactory,
    ProjectFactory,
    RefusedRecordFactory,
    ReturnFactory,
    StreamFactory,
    SyncRunFactory,
    member,
)

pytestmark = pytest.mark.django_db

# Every route below /companies/: its method and the permission it asks for.
ROUTES: dict[str, tuple[str, Permission]] = {
    "orders:list": ("get", Permission.VIEW_ORDERS),
    "orders:unreadable": ("get", Permission.VIEW_ORDERS),
    "orders:detail": ("get", Permission.VIEW_ORDERS),
    "orders:resend": ("post", Permission.HANDLE_ORDERS),
    "orders:manual": ("post", Permission.HANDLE_ORDERS),
    "orders:ship": ("post", Permission.HANDLE_ORDERS),
    "orders:cancel": ("post", Permission.HANDLE_ORDERS),
    "orders:link": ("post", Permission.HANDLE_ORDERS),
    "orders:returns": ("get", Permission.VIEW_ORDERS),
    "orders:report": ("post", Permission.HANDLE_ORDERS),
    "orders:test_return": ("post", Permission.HANDLE_ORDERS),
    "orders:decide": ("post", Permission.HANDLE_ORDERS),
    "orders:return_manual": ("post", Permission.HANDLE_ORDERS),
    "orders:refund_again": ("post", Permission.HANDLE_ORDERS),
    "orders:attach": ("post", Permission.HANDLE_ORDERS),
    "orders:attachment": ("get", Permission.VIEW_ORDERS),
    "orders:detach": ("post", Permission.HANDLE_ORDERS),
    "setup:order_connections": ("get", Permission.VIEW_SETUP),
    "setup:order_connection": ("get", Permission.VIEW_SETUP),
    "setup:order_connection_sync": ("post", Permission.RUN_SYNCS),
    "setup:order_connection_switch": ("post", Permission.RUN_SYNCS),
    "setup:order_connection_handle": ("post", Permission.HANDLE_ORDERS),
    "setup:order_connection_test": ("post", Permission.RUN_SYNCS),
    "setup:connections": ("get", Permission.VIEW_SETUP),
    "setup:runs": ("get", Permission.VIEW_SETUP),
    "setup:run": ("get", Permission.VIEW_SETUP),
}
# Addresses outside of any company, and who guards them; below files/ the link itself does.
OUTSIDE = ("", "health/", "accounts/", "admin/", "files/")


def routes(patterns: list[Any], prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str]]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from routes(entry.url_patterns, path, inner)
        elif isinstance(entry, URLPattern):
            yield path, f"{namespace}{entry.name}"


ALL_ROUTES = list(routes(get_resolver().url_patterns))
OF_COMPANIES = [(path, name) for path, name in ALL_ROUTES if path.startswith("companies/")]


@pytest.fixture
def ids(company: Company) -> dict[str, int]:
    """One of everything, in the company."""
    pair = OrderConnectionFactory(project=ProjectFactory(company=company))
    order = OrderFactory(order_connection=pair)
    RefusedRecordFactory(connection=pair.marketplace)
    run = SyncRunFactory(stream=StreamFactory(connection=pair.marketplace))
    returned, attachment = ReturnFactory(order=order), AttachmentFactory(order=order)
    return {
        "company_id": company.pk,
        "order_id": order.pk,
        "pair_id": pair.pk,
        "run_id": run.pk,
        "return_id": returned.pk,
        "attachment_id": attachment.pk,
    }


def address(path: str, ids: dict[str, int]) -> str:
    for name, value in ids.items():
        path = path.replace(f"<int:{name}>", str(value))
    assert "<" not in path, f"{path}: give the fixture `ids` a value for it"
    return f"/{path}"


def visit(user: User | None, path: str, method: str) -> int:
    client = Client()
    if user is not None:
        client.force_login(user)
    return int(getattr(client, method)(path).status_code)


def test_every_address_is_known_here() -> None:
    assert {name for _path, name in OF_COMPANIES} == set(ROUTES)
    others = [path for path, _name in ALL_ROUTES if not path.startswith(("companies/", *OUTSIDE[1:])) and path != ""]
    assert others == []


@pytest.mark.parametrize(("path", "name"), OF_COMPANIES, ids=[name for _path, name in OF_COMPANIES])
def test_nobody_from_outside_gets_in(path: str, name: str, ids: dict[str, int], charlie: User) -> None:
    method = ROUTES[name][0]
    assert visit(None, address(path, ids), method) == 302
    assert visit(charlie, address(path, ids), method) == 404


@pytest.mark.parametrize(("path", "name"), OF_COMPANIES, ids=[name for _path, name in OF_COMPANIES])
@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_the_table_says(
    path: str, name: str, role: Role, ids: dict[str, int], company: Company
) -> None:
    method, permission = ROUTES[name]
    status = visit(member(company, role), address(path, ids), method)
    if permission in ALLOWED[role]:
        assert status in (200, 302, 422)  # a form that came empty is shown again
    else:
        assert status == 403


@pytest.mark.parametrize("role", Role)
def test_progress_is_for_all_who_see_the_set_up(role: Role, ids: dict[str, int], company: Company) -> None:
    """The one address with a second method."""
    path = f"/companies/{company.pk}/order-connections/{ids['pair_id']}/sync/"
    assert visit(None, path, "get") == 302
    assert visit(member(company, role), path, "get") == 302
    assert Permission.VIEW_SETUP in ALLOWED[role]


@pytest.mark.parametrize(("path", "name"), OF_COMPANIES, ids=[name for _path, name in OF_COMPANIES])
def test_reading_addresses_change_nothing_and_writing_ones_are_not_read(
    path: str, name: str, ids: dict[str, int], company: Company
) -> None:
    """A link or an image elsewhere can make a browser GET: nothing that writes answers to it."""
    if name == "setup:order_connection_sync":
        return
    other = "get" if ROUTES[name][0] == "post" else "post"
    assert visit(member(company, Role.OWNER), address(path, ids), other) == 405


def test_an_id_of_another_company_does_not_exist_in_mine(ids: dict[str, int], charlie: User) -> None:
    """The outsider's own company, with the ids of ours."""
    own = charlie.memberships.get().company_id
    for path, name in OF_COMPANIES:
        if path.count("<int:") > 1:
            assert visit(charlie, address(path, {**ids, "company_id": own}), ROUTES[name][0]) == 404, name


def test_another_companys_rows_are_in_no_list(ids: dict[str, int], charlie: User) -> None:
    own = charlie.memberships.get().company_id
    client = Client()
    client.force_login(charlie)
    for path, name in OF_COMPANIES:
        if path.count("<int:") == 1:
            page = client.get(address(path, {"company_id": own})).content.decode()
            for key in ("order_id", "pair_id", "run_id"):
                assert f"/{ids[key]}/" not in page.replace(f"/companies/{own}/", "/"), name
