"""What allauth has to know of our users."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from channable.tenants.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Users have no user name, so none is made up from the address."""

    def populate_username(self, request: Any, user: User) -> None:
        pass

    def get_user_search_fields(self) -> list[str]:
        return ["email"]
