"""`orders/matrix.py` against the code, in both directions: each pair is brought about and looked at."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from django.db import connection, models, transaction

from connections.connectors.types import ReturnData, ReturnVerdict, VerdictData
from connections.models import OutboxMessage
from orders.matrix import BESIDES, MATRIX, Kind, Row
from orders.models import Order, OrderEvent, Return, ReturnDecision
from orders.models.item import ItemPart, OrderItem
from orders.models.shipment import Cancellation, Shipment, ShopNotice
from orders.services import events
from orders.services.apply import RULES, apply
from orders.services.work import NotPossible
from orders.states import CLOSED, TRANSITIONS, OrderStatus
from tests.factories import AttachmentFactory
from tests.orders.situations import SITUATIONS, TELLINGS, Bench, Told, bring_about

ROOT = Path(__file__).resolve().parents[2]
IGNORED = {"order.ignored", "shop.old_news"}


# -- the table by itself --------------------------------------------------------------------------------------


def test_every_event_has_rows() -> None:
    named = {row.event for row in MATRIX} | BESIDES
    missing = [event.__name__ for event in get_args(events.Event) if event not in named]
    assert not missing, f"add rows to orders/matrix.py (and to TELLINGS in tests/orders/situations.py) for {missing}"


def test_no_row_is_about_an_event_that_is_none() -> None:
    assert {row.event for row in MATRIX} <= set(get_args(events.Event))
    assert set(RULES) == set(get_args(events.Event))


def test_every_row_can_be_brought_about_and_nothing_else_is() -> None:
    rows = {(row.event, row.tells) for row in MATRIX}
    assert len(rows) == len(MATRIX)
    words = "tests/orders/situations.py brings about what is a row in orders/matrix.py"
    assert set(TELLINGS) == rows, words


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row.event.__name__}-{row.tells}")
def test_every_state_has_a_promise_and_each_is_made_once(row: Row) -> None:
    assert {status for promise in row.promises for status in promise.states} == set(OrderStatus)
    made = Counter(one for status in OrderStatus for one in promised(row, status))
    assert [one for one, times in made.items() if times > 1] == []


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row.event.__name__}-{row.tells}")
def test_what_does_not_move_has_its_reason_and_what_moves_may(row: Row) -> None:
    for promise in row.promises:
        assert bool(promise.to) == (promise.kind == Kind.MOVES)
        assert promise.why or promise.kind == Kind.MOVES
        for status in promise.states:
            assert set(promise.to) <= TRANSITIONS[status]
            assert promise.kind != Kind.MOVES or status not in CLOSED


def test_every_move_that_is_possible_is_promised_by_some_event() -> None:
    promised_moves = {
        (status, to) for row in MATRIX for promise in row.promises for status in promise.states for to in promise.to
    }
    possible = {(status, to) for status, targets in TRANSITIONS.items() for to in targets}
    never = {(O.SHIPPED, O.WAITING)}  # for marketplaces that show shipped orders as unshipped; none of ours does
    assert sorted(possible - promised_moves - never) == []


def test_every_test_that_is_named_exists() -> None:
    named = {row.test_of(promise, status) for row in MATRIX for promise in row.promises for status in promise.states}
    for file, name in {tuple(one.partition("[")[0].split("::")) for one in named if one}:
        functions = {node.name for node in ast.parse((ROOT / file).read_text()).body if hasattr(node, "name")}
        assert name in functions, f"{file}::{name}"


# -- the table against the code -------------------------------------------------------------------------------

O = OrderStatus  # noqa: E741
Outcome = tuple[OrderStatus, Kind, str]  # in this state, that, and where it moves to


def promised(row: Row, status: OrderStatus) -> list[Outcome]:
    return [(status, promise.kind, to) for promise in row.of(status) for to in (promise.to or ("",))]


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("status", OrderStatus, ids=lambda status: status.value)
def test_in_this_state_each_event_does_what_is_promised(project: Any, status: OrderStatus) -> None:
    seen: dict[tuple[type, str], dict[Outcome, str]] = {key: {} for key in TELLINGS}
    for situation in SITUATIONS[status]:
        bench = bring_about(project, situation)
        assert bench.order.status == status, situation
        before = rows_of(bench)
        for key, tell in TELLINGS.items():
            for told in tell(bench):
                outcome = what_happens(bench, told, before)
                seen[key].setdefault((status, *outcome), situation or "as it came")
    wrong = []
    for row in MATRIX:
        said, found = set(promised(row, status)), seen[row.event, row.tells]
        name = f"{row.event.__name__} {row.tells!r}"
        wrong += [f"{name} {words(one)}: promised, and never happens" for one in sorted(said - set(found))]
        wrong += [
            f"{name} {words(one)}: happens ({found[one]}), and is not promised" for one in sorted(set(found) - said)
        ]
    assert not wrong, f"in {status.value}:\n" + "\n".join(wrong)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("status", OrderStatus, ids=lambda status: status.value)
def test_what_happens_beside_an_order_leaves_its_status_alone(project: Any, status: OrderStatus) -> None:
    for situation in SITUATIONS[status]:
        bench = bring_about(project, situation)
        parts = of(rows_of(bench), ItemPart)
        told: set[type] = set()
        for event in beside(bench):
            told.add(type(event))
            try:
                with transaction.atomic():
                    apply(bench.pk, event, bench.cause(bench.at))
            except NotPossible:
                pass
            assert (bench.order.status, of(rows_of(bench), ItemPart)) == (status, parts), f"{situation}: {event}"
        assert told == BESIDES


def beside(bench: Bench) -> Iterator[events.Event]:
    """Each of them at least once, about a return of two teas and an invoice."""
    returned = ReturnData("r1", "R1", bench.order.external_id, 2, bench.at, item_id="l2")
    yield events.ReturnNews(returned)
    pk = Return.objects.get(order_id=bench.pk).pk
    yield events.ReturnTakenManually(pk)
    yield events.ReturnDecided("1", pk, ReturnVerdict.REJECTED, 1)
    for decision in ReturnDecision.objects.filter(returned=pk):
        yield events.ReturnAccepted(decision.pk)
        yield events.ReturnRefused(decision.pk, "return.refused", "no")
        yield events.ReturnConfirmed(decision.pk)
    yield events.ReturnNews(replace(returned, verdicts=[VerdictData(ReturnVerdict.ACCEPTED, 1)]))
    accepted = ReturnDecision.objects.filter(returned=pk, verdict="accepted").get()
    yield events.NotRefundedInShop(accepted.pk, "refund.refused", "no")
    yield events.RefundResent(pk)
    yield events.RefundedInShop(accepted.pk)
    yield events.ReturnGone(pk)
    yield events.ReturnReported("2", bench.tea, 1)
    yield events.ReturnAccepted(accepted.pk)
    yield events.ReturnRefused(accepted.pk, "return.refused", "no")
    yield events.ReturnConfirmed(accepted.pk)
    invoice = AttachmentFactory(order=bench.order, kind="invoice", state="expected")
    yield events.AttachmentStored(invoice.pk)
    yield events.InvoiceAccepted(invoice.pk)
    yield events.InvoiceRefused(invoice.pk, "no")
    yield events.InvoiceConfirmed(invoice.pk)
    yield events.AttachmentRemoved(invoice.pk)
    yield events.LabelFetched(invoice.pk)


def words(outcome: Outcome) -> str:
    _status, kind, to = outcome
    return f"{kind.value} {to}".strip()


class Undo(Exception):
    """Ends a savepoint without a trace."""


Rows = dict[tuple[str, int], dict[str, Any]]  # by table and id

OF_ORDER = [model._meta.db_table for model in (OrderItem, ItemPart, Shipment, Cancellation, ShopNotice, OrderEvent)]
ROWS = "SELECT '{table}', to_jsonb(one) FROM {table} one WHERE {condition}"
# All at once, because it is asked after each of some thousand events.
EVERYTHING = " UNION ALL ".join(
    [
        ROWS.format(table=Order._meta.db_table, condition="one.id = %(order)s"),
        *(ROWS.format(table=table, condition="one.order_id = %(order)s") for table in OF_ORDER),
        ROWS.format(table=OutboxMessage._meta.db_table, condition="true"),
    ]
)


def rows_of(bench: Bench) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(EVERYTHING, {"order": bench.pk})
        found = [(table, json.loads(row)) for table, row in cursor.fetchall()]
    return {(table, row["id"]): row for table, row in found}


def of(rows: Rows, model: type[models.Model]) -> dict[int, dict[str, Any]]:
    return {pk: row for (table, pk), row in rows.items() if table == model._meta.db_table}


def what_happens(bench: Bench, told: Told, before: Rows) -> tuple[Kind, str]:
    """What an event does to the order, which is afterwards as it was."""
    outcome: list[tuple[Kind, str]] = []
    try:
        with transaction.atomic():
            outcome.append(_looked_at(bench, told, before))
            raise Undo
    except Undo:
        return outcome[0]


def _looked_at(bench: Bench, told: Told, before: Rows) -> tuple[Kind, str]:
    at = told.at or bench.cause(bench.at).now
    if told.before:
        apply(bench.pk, told.before, bench.cause(at))
        before = rows_of(bench)
    former = of(before, Order)[bench.pk]["status"]
    try:
        with transaction.atomic():
            is_written = apply(bench.pk, told.event, bench.cause(at))
    except NotPossible as error:
        assert str(error)
        return Kind.REFUSED, ""
    after = rows_of(bench)
    assert_sound(bench, after)
    assert is_written == (after != before), "what `apply` says it did isn't what it did"
    if not is_written:
        return Kind.NOTHING, ""
    status = of(after, Order)[bench.pk]["status"]
    if status != former:
        return Kind.MOVES, OrderStatus(status)
    notes = [row["code"] for pk, row in of(after, OrderEvent).items() if pk not in of(before, OrderEvent)]
    return (Kind.TOO_LATE if IGNORED & set(notes) else Kind.STAYS), ""


def assert_sound(bench: Bench, rows: Rows) -> None:
    """The parts of an item add up to its quantity, whatever happened."""
    for item in of(rows, OrderItem).values():
        parts = [part["quantity"] for part in of(rows, ItemPart).values() if part["item_id"] == item["id"]]
        assert sum(parts) == item["quantity"]
