"""What our commands share: one result for people and, with --json, for scripts.

A command does its work and returns a `Done`. What a person can put right ends as one line and exit
code 1; with --json stdout then holds {"error": …}, so that a script never has to read prose.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from channable.tenants.models import Company
from channable.tenants.scope import all_companies


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did: a text for people, facts for scripts."""

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Refused(CommandError):
    """An error with facts beside its sentence."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


class JsonCommand(BaseCommand):
    """Subclasses say `arguments` and `work`; `expected` are errors whose text is for the person."""

    expected: ClassVar[tuple[type[Exception], ...]] = ()

    def arguments(self, parser: CommandParser) -> None:
        """Declare the command's own arguments."""

    def work(self, **options: Any) -> Done:
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        self.arguments(parser)
        parser.add_argument("--json", action="store_true", help="Print the result as one line of JSON.")

    def execute(self, *args: Any, **options: Any) -> None:
        """Around Django's, so that a failed system check is told in JSON too."""
        try:
            super().execute(*args, **options)
        except CommandError as error:
            if options["json"]:
                facts = error.facts if isinstance(error, Refused) else {}
                self.stdout.write(json.dumps({"error": str(error), **facts}, default=str))
            raise

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = self.work(**options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except self.expected as error:
            code = getattr(error, "code", "")
            raise Refused(str(error) or code, **({"code": code} if code else {})) from error
        self.stdout.write(json.dumps(done.facts, default=str) if options["json"] else done.text)


def add_company(parser: CommandParser) -> None:
    parser.add_argument("--company", type=int, required=True, metavar="ID", help="The company's number.")


def company_of(options: Mapping[str, Any]) -> Company:
    """The company that --company names. Raises CommandError if there is none."""
    with all_companies():  # found by number alone; the work then happens inside it
        company = Company.objects.filter(pk=options["company"]).first()
    if company is None:
        raise CommandError(f"There is no company {options['company']}.")
    return company


def add_settings(parser: CommandParser, what: str) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"{what} May be given often. A value @PATH is read from that file (@- from standard input) and "
        "env:VARIABLE from the environment, so that no secret stands in the shell's history.",
    )


def read_settings(pairs: list[str]) -> dict[str, str]:
    """`["name=value", …]` as a dict, with values from files and the environment read.
    Raises CommandError naming the setting, never its value."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CommandError("--set wants NAME=VALUE.")
        if name in found:
            raise CommandError(f"{name} is set twice.")
        found[name] = _value(name, value)
    return found


def _value(name: str, text: str) -> str:
    if text.startswith("env:"):
        variable = text.removeprefix("env:")
        if variable not in os.environ:
            raise CommandError(f"{name}: there is no variable {variable} in the environment.")
        return os.environ[variable]
    if text == "@-":
        return sys.stdin.read().rstrip("\r\n")
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise CommandError(f"{name}: {text[1:]} can't be read: {reason}.") from error
    return text
