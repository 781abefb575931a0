"""Telling bol what becomes of a return, and finding a decision that an earlier call may have left.

A decision carries no reference, only the item of the return; bol would let a second one change the first. So the item
is read before anything is sent, and nothing is sent for pieces that are handled already, by whomever. The process
statuses of an item tell of a decision at once, but not of which: what they say counts only once the return shows
more handled than before.
"""

from __future__ import annotations

from datetime import datetime

from ..errors import ContractError, DataError
from ..types import Done, Outcome, OutcomeState, Pending, Receipt, ReturnDecisionData
from . import return_mapping
from .client import BolClient
from .processes import CHECK, statuses_of, ticket_of
from .shipments import is_since, is_young

EVENT = "HANDLE_RETURN_ITEM"
MOST_PIECES = 9999  # in one call


def decide(client: BolClient, decision: ReturnDecisionData) -> Receipt:
    """Raises DataError before anything is sent if bol does not know the decision, or the pieces are handled."""
    if decision.verdict not in return_mapping.HANDLINGS:
        raise _refused(f"bol knows no {decision.verdict.value} of a return")
    if not 1 <= decision.quantity <= MOST_PIECES:
        raise _refused(f"bol takes 1 to {MOST_PIECES} pieces at a time, not {decision.quantity}")
    raw = client.get_return(decision.return_id)
    pieces, handled = return_mapping.handled_pieces(raw, decision.external_id)
    if decision.quantity > pieces - handled:
        raise _refused(f"{handled} of {pieces} pieces are handled at bol already")
    body = return_mapping.decision_body(decision.verdict, decision.quantity)
    return Pending(ticket_of(client.handle_return(decision.external_id, body)))


def find(client: BolClient, decision: ReturnDecisionData, *, since: datetime) -> Receipt | None:
    """Done if the return shows it, Pending if a process may be its, None if it is surely absent."""
    if _handled(client, decision.return_id, decision.external_id) > decision.decided_before:
        return Done(decision.external_id)
    for status in statuses_of(client, decision.external_id, EVENT):
        is_pending = status.get("status") == "PENDING"
        may_show_late = status.get("status") == "SUCCESS" and is_young(status)
        if is_since(status, "createTimestamp", since) and (is_pending or may_show_late):
            before = str(decision.decided_before)
            parts = (str(status["processStatusId"]), decision.return_id, decision.external_id, before)
            return Pending(CHECK.join(parts))
    return None


def is_ticket(ticket: str) -> bool:
    """Whether it is one that `find` gave; those of shipments have a part less."""
    return ticket.count(CHECK) == 3


def checked(client: BolClient, outcome: Outcome, status: dict[str, object] | None) -> Outcome:
    """What the process status of such a ticket says of our own decision.

    GONE (look again) if it turned out to be another's, or failed.
    """
    _, return_id, rma_id, before = outcome.ticket.split(CHECK)
    if outcome.state is OutcomeState.REFUSED:
        return Outcome(outcome.ticket, OutcomeState.GONE)
    if outcome.state is not OutcomeState.DONE:
        return outcome
    if _handled(client, return_id, rma_id) > int(before):
        return Outcome(outcome.ticket, OutcomeState.DONE, remote_id=rma_id)
    return Outcome(outcome.ticket, OutcomeState.PENDING if is_young(status) else OutcomeState.GONE)


def _handled(client: BolClient, return_id: str, rma_id: str) -> int:
    """0 if the return is gone. One that can't be read says nothing of our decision, least of all that it failed."""
    try:
        return return_mapping.handled_pieces(client.get_return(return_id), rma_id)[1]
    except DataError as error:
        if error.status == 404:
            return 0
        raise ContractError(error.detail) from None


def _refused(detail: str) -> DataError:
    return DataError(detail, code="connector.refused", field="quantity")
