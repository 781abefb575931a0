"""The pages of docs/ that are made from the code's own tables, so that they can't go out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connections.connectors import CONNECTORS
from connections.connectors.base import Capabilities
from connections.messages import MESSAGES
from orders.look import STATUS_LOOK
from orders.matrix import EVERY_PAIR, MATRIX, Kind, Promise
from orders.states import TRANSITIONS, OrderStatus, PartStatus, derive_status

NOTE = "<!-- Made by `manage.py write_documents`; don't edit. -->\n\n"

_P = PartStatus
# Parts of an order and flags that are set; the status beside them is asked of `derive_status`.
EXAMPLES: tuple[tuple[tuple[PartStatus, ...], dict[str, bool]], ...] = (
    *(((part,), {}) for part in PartStatus),
    ((_P.SHIPPED, _P.CANCELLED), {}),
    ((_P.OPEN, _P.WAITING), {}),
    ((_P.OPEN, _P.PENDING_SHIPMENT), {}),
    ((_P.OPEN, _P.SHIPPED), {}),
    ((_P.WAITING, _P.CANCELLED), {}),
    ((_P.PENDING_SHIPMENT, _P.PROCESSING, _P.SHIPPED), {}),
    ((_P.PROCESSING, _P.PENDING_CANCELLATION), {}),
    ((_P.OPEN,), {"is_confirmed": False}),
    ((_P.SHIPPED,), {"is_confirmed": False}),
    ((_P.OPEN, _P.SHIPPED), {"cancellation_requested": True}),
    ((_P.PENDING_SHIPMENT,), {"cancellation_requested": True}),
    ((_P.OPEN,), {"is_manual": True}),
    ((_P.PENDING_CANCELLATION,), {"is_manual": True}),
    ((_P.SHIPPED,), {"is_manual": True}),
)
FLAGS = {
    "is_confirmed": "not confirmed",
    "cancellation_requested": "cancellation requested",
    "is_manual": "handled manually",
}


THEN = {
    Kind.STAYS: "its status stays",
    Kind.NOTHING: "nothing changes",
    Kind.REFUSED: "refused",
    Kind.TOO_LATE: "too late: noted and ignored",
}


def order_states() -> str:
    """docs/order-states.md."""
    lines = [
        "# The states of an order\n",
        NOTE
        + "An order's status is derived from the states of its *parts* (a part is a quantity of one item) and three",
        "flags: confirmed by the marketplace, cancellation requested by the buyer, handled manually.",
        "`derive_status` in `orders/states.py` is the one rule; `apply` in `orders/services/apply.py` is the only",
        "writer. An error is not a status: it is a flag beside it, so clearing it loses nothing.\n",
        "| Status | Value | What is next |",
        "|---|---|---|",
    ]
    for status in OrderStatus:
        look = STATUS_LOOK[status]
        lines.append(f"| {status.label} | `{status.value}` | {look.next_title}. {look.next_text} |")
    lines += [
        "\n## Moves\n",
        "A move that is not here is news that came too late: it is written on the timeline and ignored.\n",
    ]
    lines += ["| From | To |", "|---|---|"]
    for status in OrderStatus:
        targets = (
            ", ".join(f"`{one.value}`" for one in OrderStatus if one in TRANSITIONS[status]) or "nothing: it is final"
        )
        lines.append(f"| `{status.value}` | {targets} |")
    return "\n".join([*lines, *_part_lines(), *_event_lines()])


def _part_lines() -> list[str]:
    """Which states a part has, and what status follows from them."""
    return [
        "\n## From parts to the status\n",
        "A part is " + ", ".join(f"`{part.value}` ({part.label})" for part in PartStatus) + ".",
        "A part that is refused at the marketplace is again what it was before. For example:\n",
        "| The parts are | and the order is | so its status is |",
        "|---|---|---|",
        *(_example(parts, flags) for parts, flags in EXAMPLES),
        "",
    ]


def _event_lines() -> list[str]:
    """What follows from each event in each state: `orders/matrix.py`."""
    lines = [
        "## Events\n",
        "What is promised for each event in each state, by hand in `orders/matrix.py`. Where a state stands in several",
        "lines of a table, it depends on the order's parts which one comes true. Each pair is brought about by",
        f"`{EVERY_PAIR}`;",
        "where another test tells more of its story, that one is named, and fails if it doesn't go through the pair.",
    ]
    for event in dict.fromkeys(row.event for row in MATRIX):
        lines.append(f"\n### {event.__name__}\n")
        rows = [row for row in MATRIX if row.event is event]
        tells = any(row.tells for row in rows)
        lines.append("| It tells | In | Then | Why, or the test |" if tells else "| In | Then | Why, or the test |")
        lines.append("|---|---|---|---|" if tells else "|---|---|---|")
        for row in rows:
            for number, promise in enumerate(row.promises):
                first = f"| {'' if number else row.tells or 'anything'} " if tells else ""
                lines.append(f"{first}| {_states(promise.states)} | {_then(promise)} | {_why(promise)} |")
    return [*lines, ""]


def _states(states: Iterable[OrderStatus]) -> str:
    found = set(states)
    named = ", ".join(f"`{one.value}`" for one in OrderStatus if one in found)
    left_out = ", ".join(f"`{one.value}`" for one in OrderStatus if one not in found)
    return named if len(found) <= len(OrderStatus) / 2 else f"all but {left_out}" if left_out else "all"


def _then(promise: Promise) -> str:
    if promise.kind == Kind.MOVES:
        return "becomes " + " or ".join(f"`{one.value}`" for one in OrderStatus if one in promise.to)
    return THEN[promise.kind]


def _why(promise: Promise) -> str:
    test = f"`{promise.test.rpartition('::')[2]}`" if promise.test else ""
    return "; ".join(one for one in (promise.why, test) if one)


def _example(parts: tuple[PartStatus, ...], flags: dict[str, bool]) -> str:
    found = derive_status(parts, **flags)
    words = ", ".join(FLAGS[name] for name in flags)
    return f"| {', '.join(f'`{part.value}`' for part in parts)} | {words} | `{found.value}` |"


def error_codes() -> str:
    """docs/errors.md."""
    lines = [
        "# Errors\n",
        NOTE
        + "Every error an account, a run or an order can carry. `error_reason` is the coarse reason of the public API;",
        "errors of an account or a run have none.\n",
        "| Code | What happened | Whose side | What it means | What to do | `error_reason` |",
        "|---|---|---|---|---|---|",
    ]
    for code, message in sorted(MESSAGES.items()):
        reason = f"`{message.reason}`" if message.reason else ""
        cells = (f"`{code}`", message.title, message.side, message.meaning, message.remedy, reason)
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


# What a marketplace or a shop can do, in a merchant's words -> its flag; what isn't a flag is worded by `_cell`.
OF_MARKETPLACES = {
    "Cancel an order": "cancels_orders",
    "Cancel some items": "cancels_partially",
    "Cancel some pieces of an item": "cancels_quantities",
    "Ship a part": "ships_partially",
    "Ship without a tracking code": "requires_tracking",
    "Ship without the code of a return label": "requires_return_tracking",
    "Number of the delivery note": "takes_delivery_note",
    "Decisions about returns": "return_verdicts",
    "Decide about some pieces of a return": "decides_partial_returns",
    "The seller reports returns": "reports_returns",
    "Invoices": "takes_invoices",
    "Invoices only once it is shipped": "invoices_follow_shipment",
    "Shipping labels": "gives_labels",
    "Compared each night": "lists_orders",
}
OF_SHOPS = {
    "Notes to the staff": "takes_notices",
    "Refunds of returns": "takes_refunds",
    "Compared each night": "lists_orders",
}
INVERTED = ("requires_tracking", "requires_return_tracking")


def capabilities() -> str:
    """docs/connectors/capabilities.md."""
    lines = [
        "# What each system can do\n",
        NOTE + "What stands behind a *no* is not offered on the pages, and refused with a reason everywhere else.\n",
    ]
    for title, role, rows in (("Marketplaces", "marketplace", OF_MARKETPLACES), ("Shops", "platform", OF_SHOPS)):
        systems = [one for one in CONNECTORS.values() if one.role == role]
        lines += [f"## {title}\n", "| | " + " | ".join(f"[{one.label}]({one.kind}.md)" for one in systems) + " |"]
        lines.append("|---|" + "---|" * len(systems))
        for label, flag in rows.items():
            lines.append(f"| {label} | {' | '.join(_cell(one.capabilities, flag) for one in systems)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(of: Capabilities, flag: str) -> str:
    value = getattr(of, flag)
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "no"
    return "yes" if bool(value) != (flag in INVERTED) else "no"


DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/order-states.md": order_states,
    "docs/errors.md": error_codes,
    "docs/connectors/capabilities.md": capabilities,
}
