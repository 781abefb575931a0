"""Connect an account at a marketplace or a shop."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from channable.tenants.management.base import Done, JsonCommand, add_company, add_settings, company_of, read_settings
from connections.accounts import MissingField, UnknownKind, connect_account
from connections.connectors import CONNECTORS
from connections.connectors.errors import ConnectorError


class Command(JsonCommand):
    help = (
        "Connect an account: its credentials are tested, then stored encrypted. The same account again renews it. "
        "Systems and their fields: " + "; ".join(
            f"{kind} ({', '.join(f.name for f in [*c.credential_fields, *c.setting_fields])})"
            for kind, c in sorted(CONNECTORS.items())
        )
    )  # fmt: skip
    expected = (ConnectorError, UnknownKind, MissingField)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("kind", help=f"One of {', '.join(sorted(CONNECTORS))}.")
        parser.add_argument("label", help="What the company calls this account.")
        add_settings(parser, "A credential or setting of the account.")

    def work(self, **options: Any) -> Done:
        kind, label = options["kind"], options["label"].strip()
        if not 0 < len(label) <= 200:
            raise CommandError("The label must have 1 to 200 characters.")
        company = company_of(options)
        credentials, settings = split_fields(kind, read_settings(options["set"]))
        connection, info = connect_account(
            company=company, kind=kind, label=label, credentials=credentials, options=settings
        )
        facts = {
            "connection": connection.pk,
            "kind": kind,
            "account_id": info.account_id,
            "account_name": info.name,
            "country_code": info.country_code,
            "notes": list(info.notes),
        }
        lines = [f"Connection {connection.pk}: {info.name or info.account_id} ({info.account_id}).", *info.notes]
        return Done("\n".join(lines), facts)


def split_fields(kind: str, given: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Credentials and settings, told apart as the connector declares them. Raises UnknownKind, and
    CommandError for a name it does not know or a choice it does not offer."""
    connector = CONNECTORS.get(kind)
    if connector is None:
        raise UnknownKind(f"There is no system called {kind!r}; known are {', '.join(sorted(CONNECTORS))}.")
    fields = {field.name: field for field in [*connector.credential_fields, *connector.setting_fields]}
    for name, value in given.items():
        if name not in fields:
            raise CommandError(f"{connector.label} has no {name!r}; its fields are {', '.join(fields)}.")
        choices = [choice for choice, _label in fields[name].choices]
        if choices and value not in choices:
            raise CommandError(f"{name} is one of {', '.join(choices)}.")
    secret = {field.name for field in connector.credential_fields}
    credentials = {name: value for name, value in given.items() if name in secret}
    return credentials, {name: value for name, value in given.items() if name not in secret}
