"""The base of every task that works inside one company."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task
from django_scopes import scope


class TenantTask(Task):  # type: ignore[type-arg]
    """Its first argument is the company's id.

    Opens the first wall and the log context for the whole task. The second wall belongs to a
    transaction, and none is held across an outside call: the task's services open `company_scope`
    around each piece of database work.
    """

    abstract = True

    def __call__(self, company_id: int, *args: Any, **kwargs: Any) -> Any:
        with scope(company=company_id), structlog.contextvars.bound_contextvars(company=company_id):
            return super().__call__(company_id, *args, **kwargs)
