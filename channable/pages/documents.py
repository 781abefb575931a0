"""The pages of docs/ that are made from the code's own tables, so that they can't go out of date."""

from __future__ import annotations

from collections.abc import Callable

from connections.messages import MESSAGES
from orders.look import STATUS_LOOK
from orders.states import TRANSITIONS, OrderStatus, PartStatus

NOTE = "<!-- Made by `manage.py write_documents`; don't edit. -->\n\n"


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
    lines += ["\n## Parts\n", ", ".join(f"`{part.value}`" for part in PartStatus) + ".\n"]
    return "\n".join(lines)


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


DOCUMENTS: dict[str, Callable[[], str]] = {"docs/order-states.md": order_states, "docs/errors.md": error_codes}
