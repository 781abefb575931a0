"""The two walls between companies, opened by these two functions and nowhere else.

First wall: django-scopes, a query without a company raises. Second wall: row-level security in
PostgreSQL, bound to the setting `app.company` (or, for work over companies, to a role). Both are
opened together and for one transaction, so neither can outlive the work it was opened for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection, transaction
from django_scopes import scope, scopes_disabled

ALL_COMPANIES_ROLE = "channable_all_companies"


@contextmanager
def company_scope(company_id: int) -> Iterator[None]:
    """A transaction inside one company. Make no call to the outside within it.

    Nested use inside the same company opens a savepoint; inside another company it raises.
    """
    with scope(company=company_id), structlog.contextvars.bound_contextvars(company=company_id), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.company', %s, true)", [str(company_id)])
        yield


@contextmanager
def all_companies() -> Iterator[None]:
    """A transaction over every company: dispatcher, admin, retention. Say at the call why.

    The former role is set back by name: RESET ROLE would give the log-in's own role, and SET LOCAL
    outlives a savepoint.
    """
    with scopes_disabled(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            former = cursor.fetchone()[0]
            cursor.execute(f'SET LOCAL ROLE "{ALL_COMPANIES_ROLE}"')
        try:
            yield
        finally:
            if not connection.needs_rollback:
                with connection.cursor() as cursor:
                    cursor.execute(f'SET LOCAL ROLE "{former}"')
