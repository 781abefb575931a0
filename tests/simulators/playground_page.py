"""The page of the playground: what the demo simulates, and buttons to take part in it."""

from __future__ import annotations

from html import escape
from typing import Any

HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Simulated marketplace and shop</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="10"><style>
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem;
padding: 0 1rem } .sides { display: grid; gap: 2rem; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)) }
table { border-collapse: collapse; width: 100% } td, th { padding: .25rem .5rem; text-align: left; border-bottom: 1px
solid color-mix(in srgb, currentColor 20%, transparent); white-space: nowrap } form { display: inline }
section { overflow-x: auto }
</style></head><body>"""
INTRODUCTION = """<h1>Simulated marketplace and shop</h1>
<p>The demo of the order sync talks to these two as it would to the real ones. Nothing here is real: orders are made up
by a small program, which also ships and cancels some of them. Take part with the buttons, then look what becomes of
it in the order sync.</p>"""


def page(marketplace: list[dict[str, Any]], shop: list[dict[str, Any]]) -> str:
    """`marketplace`: id, status, customer; `shop`: id, number, status, whether it is open."""
    buy = [("usual", "Place an order"), ("unknown product", "…of an unknown product"), ("unreadable", "…unreadable")]
    buyers = "".join(button("/_demo/orders", label, what=what) for what, label in buy)
    buyers += button("/_demo/cancellation-request", "Ask to cancel one")
    buyers += button("/_demo/returns", "Send one back")
    left = table(("Number", "Status", "Customer"), [(o["id"], o["status"], o["customer"]) for o in marketplace])
    right = table(("Order", "Of number", "Status", ""), [(*_shop_cells(o), Raw(_buttons(o))) for o in shop])
    return (
        f"{HEAD}{INTRODUCTION}<div class=sides><section><h2>Marketplace (bol)</h2><p>{buyers}</p>{left}</section>"
        f"<section><h2>Shop (WooCommerce)</h2>{right}</section></div></body></html>"
    )


class Raw(str):
    """HTML already, unlike other texts."""


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    if not rows:
        return "<p>No orders yet.</p>"
    titles = "".join(f"<th scope=col>{escape(title)}</th>" for title in head)
    lines = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"


def button(action: str, label: str, **fields: str) -> str:
    hidden = "".join(f'<input type=hidden name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    return f'<form method=post action="{escape(action)}">{hidden}<button>{escape(label)}</button></form> '


def _cell(value: Any) -> str:
    return value if isinstance(value, Raw) else escape(str(value))


def _shop_cells(order: dict[str, Any]) -> tuple[str, str, str]:
    return order["id"], order["reference"], order["status"]


def _buttons(order: dict[str, Any]) -> str:
    if order["is_open"]:
        works = [("ship", "Ship"), ("ship-without-code", "Ship without code"), ("cancel", "Cancel")]
    else:
        works = [] if order["has_code"] or order["status"] != "completed" else [("add-code", "Add a code")]
    return "".join(button(f"/_demo/shop/{order['id']}/{what}", label) for what, label in works)
