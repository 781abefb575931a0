"""What bol answers later: a write is accepted with a process status, and that is asked for again.

A ticket names the process statuses of one effect: "17", "17,18" (two items, cancelled one by one), or, found by a
look-up, "17|order|reference" (good only once the shipment is listed under our reference) and "17|return|item|pieces"
(good only once the return shows more pieces handled than those).
Statuses are kept for a limited time; those bol no longer knows are missing in its answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import ContractError
from ..types import JSON, Outcome, OutcomeState
from .client import BolClient

AT_ONCE = 1000  # process statuses in one question
SEPARATOR = ","
CHECK = "|"
# From what wins where the items of a ticket differ: it is settled when nothing of it is on its way.
ORDER = (OutcomeState.PENDING, OutcomeState.REFUSED, OutcomeState.GONE, OutcomeState.DONE)
STATES = {
    "PENDING": OutcomeState.PENDING,
    "SUCCESS": OutcomeState.DONE,
    "FAILURE": OutcomeState.REFUSED,
    # Not a failure: it may have been executed, so the truth is read from the order.
    "TIMEOUT": OutcomeState.GONE,
}


def ticket_of(status: JSON) -> str:
    """The ticket for the answer to a write."""
    if not isinstance(status, Mapping) or not status.get("processStatusId"):
        raise ContractError("a process status without a processStatusId")
    return str(status["processStatusId"])


def ids_in(ticket: str) -> list[str]:
    return ticket.partition(CHECK)[0].split(SEPARATOR)


def statuses_by_id(client: BolClient, tickets: Iterable[str]) -> dict[str, JSON]:
    ids = list(dict.fromkeys(one for ticket in tickets for one in ids_in(ticket)))
    known: dict[str, JSON] = {}
    for start in range(0, len(ids), AT_ONCE):
        for status in _listed(client.get_process_status_bulk(ids[start : start + AT_ONCE])):
            known[str(status["processStatusId"])] = status
    return known


def statuses_of(client: BolClient, entity_id: str, event_type: str) -> list[JSON]:
    """Those of an order item, newest first."""
    return _listed(client.get_process_status_entity_id(entity_id, event_type))


def _listed(answer: JSON) -> list[JSON]:
    statuses = answer.get("processStatuses", []) if isinstance(answer, dict) else None
    if not isinstance(statuses, list):
        raise ContractError("a list of process statuses that is no list")
    return [one for one in statuses if isinstance(one, dict) and one.get("processStatusId")]


def is_readable(statuses: Iterable[JSON]) -> bool:
    """Whether bol answers in words that we know."""
    return all(status is None or str(status.get("status")) in STATES for status in statuses)


def outcome_of(ticket: str, statuses: Sequence[JSON | None]) -> Outcome:
    """One answer for all process statuses of a ticket (None: bol no longer knows it)."""
    states = [STATES[str(one["status"])] if one else OutcomeState.GONE for one in statuses]
    state = min(states, key=ORDER.index)
    telling = statuses[states.index(state)] or {}
    detail = str(telling.get("errorMessage") or "")[:500]
    return Outcome(ticket, state, detail=detail, remote_id=str(telling.get("entityId") or ""))
