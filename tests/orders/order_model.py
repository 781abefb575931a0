"""An order told once more and simply, piece by piece, from the documents: what the real one is compared with.

Imports nothing of the product on purpose. A piece is one mug or one tea; what is to go out is not kept but
follows from the pieces and decisions as they are, so a message that the product forgot is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

UNTOUCHED, OVER = {"open", "waiting"}, {"shipped", "cancelled"}
ON_ITS_WAY = ["processing", "pending_shipment"]
HOLDING = {"requested", "withdrawn", "cancelled", "not_cancelled"}
Message = tuple[str, int]  # what it does, and the number of the decision


@dataclass
class Piece:
    sku: str
    state: str = "open"
    former: str = "open"
    shipment: int = 0
    cancellation: int = 0


@dataclass
class Decision:
    source: str  # "hand:…" or "shop:…"; what a notice says
    status: str = "pending"


@dataclass
class OrderModel:
    pieces: list[Piece] = field(default_factory=lambda: [Piece("MUG"), *(Piece("TEA") for _ in range(3))])
    is_confirmed: bool = True
    is_asked: bool = False
    is_manual: bool = False
    is_in_shop: bool = False
    is_removed: bool = False
    wants_creation: bool = True
    shipments: list[Decision] = field(default_factory=list)
    cancellations: list[Decision] = field(default_factory=list)
    notices: list[Decision] = field(default_factory=list)
    sent: set[Message] = field(default_factory=set)  # and not refused

    # -- what it is -----------------------------------------------------------------------------------
    @property
    def status(self) -> str:
        states = {piece.state for piece in self.pieces}
        live = states - OVER
        if not live:
            return "shipped" if "shipped" in states else "cancelled"
        if self.is_manual:
            return "pending_cancellation" if live == {"pending_cancellation"} else "manual"
        if not self.is_confirmed:
            return "awaiting_confirmation"
        if not live & UNTOUCHED:
            return next(one for one in ("pending_shipment", "processing", "pending_cancellation") if one in live)
        return self._status_of_open(states)

    def _status_of_open(self, states: set[str]) -> str:
        if self.is_asked:
            return "cancellation_request"
        if states - UNTOUCHED:
            return "partial"
        return "waiting" if "waiting" in states else "not_shipped"

    @property
    def is_closed(self) -> bool:
        return all(piece.state in OVER for piece in self.pieces)

    @property
    def quantities(self) -> Counter[tuple[str, str]]:
        return Counter((piece.sku, piece.state) for piece in self.pieces)

    def untouched(self, skus: Iterable[str] = ("MUG", "TEA")) -> list[Piece]:
        return [piece for piece in self.pieces if piece.state in UNTOUCHED and piece.sku in skus]

    def to_go_out(self) -> set[Message]:
        """What has to be sent now."""
        if self.is_removed:
            return set()
        found: set[Message] = set()
        if self.wants_creation and self.untouched() and self.is_confirmed and not (self.is_manual or self.is_in_shop):
            found.add(("create_order", 1))
        for number, shipment in enumerate(self.shipments, 1):
            is_meant = any(one.shipment == number and one.state in ON_ITS_WAY for one in self.pieces)
            if is_meant and shipment.status != "confirmed" and not self.is_manual:
                found.add(("confirm_shipment", number))
        for number, _cancellation in enumerate(self.cancellations, 1):
            if any(one.cancellation == number and one.state == "pending_cancellation" for one in self.pieces):
                found.add(("cancel_order", number))
        found |= {("tell_shop", number) for number in self._notices_to_tell()}
        return found - self.sent

    def _notices_to_tell(self) -> list[int]:
        if self.is_manual:
            return []
        last = max((number for number, one in enumerate(self.notices, 1) if one.source in HOLDING), default=0)
        return [
            number
            for number, one in enumerate(self.notices, 1)
            if one.status == "pending" and (number == last or one.source not in HOLDING)
        ]

    # -- the marketplace ------------------------------------------------------------------------------
    def marketplace(self, shipped: Counter[str], cancelled: Counter[str], *, asked: bool, unconfirmed: bool) -> None:
        """Its present state: so much is shipped and cancelled there."""
        if self.is_closed:
            return
        gone = self._gone()
        for sku in ("MUG", "TEA"):
            self._bring(sku, shipped[sku], "shipped", [*ON_ITS_WAY, "waiting", "open", "pending_cancellation"])
            first = ["pending_cancellation", "open", "waiting", "pending_shipment", "processing"]
            self._bring(sku, cancelled[sku], "cancelled", first)
        if self.is_closed:
            self.is_asked, self.is_confirmed = False, True
        else:
            if asked != self.is_asked and (asked or self.untouched()):
                self._tell("requested" if asked else "withdrawn")
            self.is_asked = asked
            self._confirm(unconfirmed)
        if self._gone() - gone:
            self._tell_gone()

    def _bring(self, sku: str, quantity: int, state: str, order: list[str]) -> None:
        missing = quantity - self.quantities[sku, state]
        for former in order:
            for piece in [one for one in self.pieces if (one.sku, one.state) == (sku, former)][: max(missing, 0)]:
                piece.state = state
                missing -= 1

    def _confirm(self, unconfirmed: bool) -> None:
        is_undecided = all(piece.state in UNTOUCHED for piece in self.pieces)
        if unconfirmed and self.is_confirmed and not self.is_in_shop and is_undecided:
            self.is_confirmed = self.wants_creation = False
        elif not unconfirmed and not self.is_confirmed:
            self.is_confirmed = True
            if not self.is_manual:
                self.wants_creation = True

    # -- the shop -------------------------------------------------------------------------------------
    def created(self) -> None:
        if self.is_in_shop:
            return
        self.is_in_shop = True
        if self._gone():
            self._tell_gone()
        if self.is_asked and self.untouched():
            self._tell("requested")

    def shop(self, state: str, parcels: list[tuple[str, str, int]]) -> None:
        """`parcels`: (ref, product, quantity), all of them; product "" means all that is open."""
        if self.is_closed or self.is_manual or not self.is_confirmed:
            return
        if state == "cancelled":
            self._decide_cancellation("shop:77", self.untouched())
            return
        for ref, sku, quantity in sorted(parcels, key=lambda one: not one[1]):
            if sku:
                self._decide_shipment(f"shop:{ref}", self.untouched([sku])[:quantity])
            elif state == "completed":
                self._decide_shipment(f"shop:{ref}", self.untouched())
        refused = {n for n, one in enumerate(self.shipments, 1) if one.source in {f"shop:{ref}" for ref, *_ in parcels}}
        for piece in self.pieces:
            if state == "open" and piece.state == "waiting":
                piece.state = "open"
            elif state == "completed" and piece.state == "open" and piece.shipment not in refused:
                piece.state = "waiting"

    def wait_over(self) -> None:
        self._decide_shipment("without a code", [piece for piece in self.pieces if piece.state == "waiting"])

    # -- people ---------------------------------------------------------------------------------------
    def ship(self, once: str, skus: list[str]) -> bool:
        """False: refused."""
        pieces = self.untouched(skus)
        states = {"not_shipped", "waiting", "partial", "cancellation_request"}
        if self.is_removed or self.status not in states or not pieces:
            return False
        self._decide_shipment(f"hand:{once}", pieces)
        self.wants_creation = self.wants_creation and bool(self.untouched())
        return True

    def cancel(self, once: str, skus: list[str]) -> bool:
        pieces = self.untouched(skus)
        states = {"not_shipped", "waiting", "partial", "cancellation_request", "manual"}
        # bol cancels all of an item that is open, or nothing of it.
        if self.is_removed or self.status not in states or not pieces:
            return False
        self._decide_cancellation(f"hand:{once}", pieces)
        self.wants_creation = self.wants_creation and bool(self.untouched())
        self._tell_gone()
        return True

    def handle_manually(self) -> None:
        if self.is_closed or self.is_manual:
            return
        self.is_manual, self.wants_creation = True, False
        for number, shipment in enumerate(self.shipments, 1):
            if shipment.status == "pending" and ("confirm_shipment", number) not in self.sent:
                self._take_back(shipment, self._of_shipment(number))
        for number, cancellation in enumerate(self.cancellations, 1):
            if cancellation.status == "pending" and ("cancel_order", number) not in self.sent:
                self._take_back(cancellation, self._of_cancellation(number))

    def resend(self) -> None:
        for notice in self.notices:
            notice.status = "pending" if notice.status == "refused" else notice.status
        if self.is_closed:
            return
        self.is_manual = False
        self.wants_creation = self.is_confirmed
        for number, shipment in enumerate(self.shipments, 1):
            pieces = [one for one in self._of_shipment(number) if one.state in UNTOUCHED]
            if shipment.status == "refused" and pieces:
                self._put(pieces, "pending_shipment")
                shipment.status = "pending"
        for number, cancellation in enumerate(self.cancellations, 1):
            pieces = [one for one in self._of_cancellation(number) if one.state in UNTOUCHED]
            if cancellation.status == "refused" and pieces:
                self._put(pieces, "pending_cancellation")
                cancellation.status = "pending"

    def remove(self) -> None:
        self.is_removed = True
        if not self.is_closed:
            self.wants_creation = False

    def adopt(self) -> None:
        self.is_removed = False
        self.wants_creation = self.wants_creation or (self.is_confirmed and not self.is_manual)

    # -- answers --------------------------------------------------------------------------------------
    def shipment_accepted(self, number: int) -> None:
        self.shipments[number - 1].status = "processing"
        self._put([one for one in self._of_shipment(number) if one.state == "pending_shipment"], "processing")

    def shipment_confirmed(self, number: int) -> None:
        self.shipments[number - 1].status = "confirmed"
        self._put([one for one in self._of_shipment(number) if one.state not in OVER], "shipped")
        self._closed()

    def shipment_refused(self, number: int) -> None:
        self.sent.discard(("confirm_shipment", number))
        self._take_back(self.shipments[number - 1], self._of_shipment(number))

    def cancellation_accepted(self, number: int) -> None:
        self.cancellations[number - 1].status = "processing"

    def cancellation_confirmed(self, number: int) -> None:
        self.cancellations[number - 1].status = "confirmed"
        self._put([one for one in self._of_cancellation(number) if one.state not in OVER], "cancelled")
        self._closed()

    def cancellation_refused(self, number: int) -> None:
        self.sent.discard(("cancel_order", number))
        cancellation = self.cancellations[number - 1]
        self._take_back(cancellation, self._of_cancellation(number))
        if cancellation.source.startswith("hand:") and not self.is_closed:
            self._tell("not_cancelled")

    def notice_told(self, number: int) -> None:
        self.notices[number - 1].status = "confirmed"

    def notice_refused(self, number: int) -> None:
        self.sent.discard(("tell_shop", number))
        self.notices[number - 1].status = "refused"

    def creation_refused(self) -> None:
        self.sent.discard(("create_order", 1))
        self.wants_creation = False

    # -- parts of these -------------------------------------------------------------------------------
    def _of_shipment(self, number: int) -> list[Piece]:
        return [piece for piece in self.pieces if piece.shipment == number]

    def _of_cancellation(self, number: int) -> list[Piece]:
        return [piece for piece in self.pieces if piece.cancellation == number]

    @staticmethod
    def _put(pieces: list[Piece], state: str) -> None:
        for piece in pieces:
            if piece.state in UNTOUCHED:
                piece.former = piece.state
            piece.state = state

    def _decide_shipment(self, source: str, pieces: list[Piece]) -> None:
        if not pieces or source in {one.source for one in self.shipments}:
            return
        self.shipments.append(Decision(source))
        self._put(pieces, "pending_shipment")
        for piece in pieces:
            piece.shipment = len(self.shipments)

    def _decide_cancellation(self, source: str, pieces: list[Piece]) -> None:
        if not pieces or source in {one.source for one in self.cancellations}:
            return
        self.cancellations.append(Decision(source))
        self._put(pieces, "pending_cancellation")
        for piece in pieces:
            piece.cancellation = len(self.cancellations)

    def _take_back(self, decision: Decision, pieces: list[Piece]) -> None:
        decision.status = "refused"
        for piece in pieces:
            if piece.state not in UNTOUCHED | OVER:
                piece.state = piece.former

    def _closed(self) -> None:
        if self.is_closed:
            self.is_asked = False

    def _gone(self) -> Counter[str]:
        return Counter(one.sku for one in self.pieces if one.state in ("cancelled", "pending_cancellation"))

    def _tell_gone(self) -> None:
        is_all = all(piece.state in ("cancelled", "pending_cancellation") for piece in self.pieces)
        self._tell("cancelled" if is_all else "part_cancelled")

    def _tell(self, what: str) -> None:
        if self.is_in_shop and not self.is_manual:
            self.notices.append(Decision(what))
