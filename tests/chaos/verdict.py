"""What became of the orders, by the remotes' own books."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.pairs import Pair


@dataclass
class Verdict:
    """`lost`, `doubled`, … hold "what: number". Clean is what has none of them."""

    scenario: str
    placed: int = 0
    lost: list[str] = field(default_factory=list)  # not in the shop, or shipped there and not at the marketplace
    doubled: list[str] = field(default_factory=list)  # more than once in the shop, or shipped more than once
    stuck: list[str] = field(default_factory=list)  # took more than two rounds once the trouble was over
    delayed: list[str] = field(default_factory=list)  # healthy, and late because of others
    by_hand: list[str] = field(default_factory=list)  # needs a person
    other: list[str] = field(default_factory=list)  # whatever else the scenario promises
    facts: dict[str, Any] = field(default_factory=dict)  # how often what was done to it
    slowest: float = 0.0  # seconds that one way of an order took once the trouble was over
    seconds: float = 0.0
    by_hand_allowed: float = 0.0  # share of the orders

    @property
    def settled_alone(self) -> float:
        return 1 - len(self.by_hand) / self.placed if self.placed else 1.0

    @property
    def is_clean(self) -> bool:
        too_many = len(self.by_hand) > self.by_hand_allowed * self.placed
        return not (self.lost or self.doubled or self.stuck or self.delayed or self.other or too_many)

    def add(self, other: Verdict) -> None:
        """Another part of the same scenario."""
        self.placed += other.placed
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)
        self.facts |= other.facts
        for name in ("lost", "doubled", "stuck", "delayed", "by_hand", "other"):
            getattr(self, name).extend(getattr(other, name))

    def line(self) -> str:
        counts = ", ".join(
            f"{len(getattr(self, name))} {name.replace('_', ' ')}"
            for name in ("lost", "doubled", "stuck", "delayed", "by_hand")
        )
        facts = ", ".join(
            f"{name} {value}" for name, value in {**self.facts, "slowest": f"{self.slowest:.0f} s"}.items()
        )
        word = "clean" if self.is_clean else "FAILED"
        return f"{word:7}{self.scenario:22}{self.placed:7} orders: {counts} ({facts}; {self.seconds:.0f} s)"

    def details(self) -> Iterable[str]:
        for name in ("lost", "doubled", "stuck", "delayed", "by_hand", "other"):
            for one in getattr(self, name)[:5]:
                yield f"{name}: {one}"

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "is_clean": self.is_clean,
            "settled_alone": self.settled_alone,
            "line": self.line(),
            "details": list(self.details()),
        }


def judge(verdict: Verdict, pairs: Iterable[Pair], *, ended: float, patience: float) -> None:
    """Compare what buyers placed with what both sides have in their books. `ended`: when the trouble
    was over (time.monotonic), `patience`: how long each of the two ways may take from then on."""
    for pair in pairs:
        created, confirmed = pair.created(), pair.confirmed()
        verdict.placed += len(pair.placed)
        for number, placed_at in pair.placed.items():
            name = f"{pair.name} {pair.number}, order {number}"
            if not created[number]:
                verdict.lost.append(f"{name} is not in the shop")
            elif not confirmed[number]:
                verdict.lost.append(f"{name} is not shipped at the marketplace")
            else:
                there = pair.arrived[number] - max(placed_at, ended)
                back = pair.closed[number] - max(pair.arrived[number], ended)
                verdict.slowest = max(verdict.slowest, there, back)
                if max(there, back) > patience:
                    verdict.stuck.append(f"{name} took {there:.0f} s to the shop and {back:.0f} s back")
            if created[number] > 1:
                verdict.doubled.append(f"{name} is {created[number]} times in the shop")
            if confirmed[number] > 1:
                verdict.doubled.append(f"{name} was shipped {confirmed[number]} times")
        strangers = (created.keys() | confirmed.keys()) - pair.placed.keys()
        verdict.doubled += [f"{pair.name} {pair.number}: {one} was never placed" for one in strangers]
