"""Named moments at which a process may die, for proving that nothing is lost or doubled then.

They do nothing unless somebody listens: the chaos suite kills the process there, and tests ask at
"order.applied:<event>:<status before>:<status after>" what they went through.
"""

from __future__ import annotations

from collections.abc import Callable

listener: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Say that this moment has come, as "sender.called:create_order"."""
    if listener is not None:
        listener(name)
