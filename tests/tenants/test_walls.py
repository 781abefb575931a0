"""Two walls between companies, each of which holds alone."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django_scopes import scopes_disabled
from django_scopes.exceptions import ScopeError

from channable.tenants.scope import all_companies, company_scope
from orders.models import Order, OrderItem
from tests.factories import CompanyFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_query_without_a_company_raises() -> None:
    with pytest.raises(ScopeError):
        Order.objects.count()


def test_with_the_first_wall_off_the_second_refuses_a_query_without_a_company() -> None:
    OrderFactory()
    with scopes_disabled(), transaction.atomic(), pytest.raises(DatabaseError):
        list(Order.objects.all())


def test_with_the_first_wall_off_the_second_hides_other_companies() -> None:
    mine, theirs = OrderFactory(), OrderFactory()
    with company_scope(mine.company_id), scopes_disabled():
        assert list(Order.objects.values_list("pk", flat=True)) == [mine.pk]
        assert not Order.objects.filter(pk=theirs.pk).update(number="stolen")


def test_a_row_cannot_be_written_into_another_company() -> None:
    mine, theirs = CompanyFactory(), OrderFactory()
    with pytest.raises(DatabaseError), company_scope(mine.pk), scopes_disabled():
        OrderItem.objects.create(
            company_id=theirs.company_id, order=theirs, external_id="x", product_id="x", quantity=1, unit_price=1
        )


def test_a_foreign_key_cannot_point_into_another_company() -> None:
    mine, theirs = OrderFactory(), OrderFactory()
    with pytest.raises(DatabaseError), company_scope(mine.company_id):
        OrderItem.objects.create(
            company_id=mine.company_id, order_id=theirs.pk, external_id="x", product_id="x", quantity=1, unit_price=1
        )


def test_work_over_companies_sees_all_and_gives_the_role_back() -> None:
    OrderFactory(), OrderFactory()
    with all_companies():
        assert Order.objects.count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("channable_app",)


def test_the_tests_run_as_the_role_that_cannot_pass_the_wall() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("channable_app", False, False, False)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = 'channable_app'::regrole")
        assert cursor.fetchone() == (0,)


def test_every_table_with_a_company_is_behind_the_second_wall() -> None:
    """Named by introspection, so that a new table without its wall fails here."""
    outside = {"tenants_membership", "tenants_apitoken"}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
                   (SELECT array_agg(p.polname::text ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
            """
        )
        found = {name: (forced, policies) for name, forced, policies in cursor.fetchall()}
    assert outside < set(found)
    for table, wall in found.items():
        if table not in outside:
            assert wall == (True, ["all_companies", "one_company"]), table
