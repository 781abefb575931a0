"""Rules that say which transporter a tracking code means: list, add, remove, try."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Max

from channable.tenants.management.base import Done, JsonCommand, add_company, company_of
from channable.tenants.models import Company, Project
from channable.tenants.scope import company_scope
from connections.models import OrderConnection, TransporterRule
from connections.transporters import Rule, WrongRule, choose


class Command(JsonCommand):
    help = "List, add, remove and try the transporter rules of a project, or of one of its order connections."
    expected = (WrongRule,)

    def arguments(self, parser: CommandParser) -> None:
        add_company(parser)
        parser.add_argument("--project", type=int, required=True, metavar="ID")
        parser.add_argument("--order-connection", type=int, metavar="ID", help="Only for this one; asked first.")
        parser.add_argument("--add", metavar="TRANSPORTER", help="A unified code, such as POSTNL.")
        parser.add_argument("--pattern", default="", help="Of the code: * is anything, # a digit; none: the default.")
        parser.add_argument("--country", default="", metavar="NL", help="Only for parcels that go there.")
        parser.add_argument("--remove-match", action="store_true", help="Take the pattern's text out of the code.")
        parser.add_argument("--remove", type=int, metavar="RULE", help="The number of a rule.")
        parser.add_argument("--try", dest="code", metavar="CODE", help="Say what becomes of a tracking code.")

    def work(self, **options: Any) -> Done:
        company = company_of(options)
        with company_scope(company.pk):
            project = Project.objects.filter(pk=options["project"]).first()
            if project is None:
                raise CommandError(f"The company has no project {options['project']}.")
            pair = _order_connection(project, options["order_connection"])
            rules = TransporterRule.objects.filter(project=project, order_connection=pair)
            if options["add"]:
                _add(company, project, pair, options)
            if options["remove"] and not rules.filter(pk=options["remove"]).delete()[0]:
                raise CommandError(f"There is no rule {options['remove']} here.")
            rows = list(rules.order_by("position", "id"))
        if options["code"]:
            return _tried([row.rule for row in rows], options)
        lines = [_line(row) for row in rows]
        names = ("pk", "pattern", "country_code", "transporter", "removes_match")
        facts = [{name: getattr(row, name) for name in names} for row in rows]
        return Done("\n".join(lines) or "There are no rules.", {"rules": facts})


def _order_connection(project: Project, number: int | None) -> OrderConnection | None:
    if number is None:
        return None
    found: OrderConnection | None = OrderConnection.objects.present().filter(project=project, pk=number).first()
    if found is None:
        raise CommandError(f"The project has no order connection {number}.")
    return found


def _add(company: Company, project: Project, pair: OrderConnection | None, options: Any) -> None:
    rule = Rule(options["add"], options["pattern"], options["country"], options["remove_match"])
    rule.check()
    rules = TransporterRule.objects.filter(project=project, order_connection=pair)
    TransporterRule.objects.create(
        company=company,
        project=project,
        order_connection=pair,
        position=(rules.aggregate(most=Max("position"))["most"] or 0) + 1,
        pattern=rule.pattern,
        transporter=rule.transporter,
        country_code=rule.country_code,
        removes_match=rule.removes_match,
    )


def _line(row: TransporterRule) -> str:
    removed = ", its text is removed" if row.removes_match else ""
    return f"{row.pk}  {row.pattern or '(default)'}  {row.country_code or 'all'}  {row.transporter}{removed}"


def _tried(rules: list[Rule], options: Any) -> Done:
    choice = choose(named="", tracking_code=options["code"], default="", rules=rules, country=options["country"])
    text = (
        f"{choice.tracking_code} goes with {choice.transporter}."
        if choice.transporter
        else "Nothing tells whose it is."
    )
    return Done(text, {"transporter": choice.transporter, "tracking_code": choice.tracking_code})
