"""What follows from each event in each state of an order: promised here by hand, and held to by the tests.

Written from what the product promises, not from the rules, of which nothing is imported. It is
compared with the code in both directions (`tests/orders/test_matrix.py`): each pair of a state and an event is
brought about in every way that the tests know, and what then happens is what stands here, no more and no less.
A new event needs rows here; without them the tests fail by its name.

One event may tell different things (the shop: completed, cancelled …): a row for each. Where a state has
several promises, it depends on the order's parts which one comes true; each of them does somewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from orders.services import events
from orders.states import OrderStatus


class Kind(StrEnum):
    MOVES = "moves"
    STAYS = "stays"  # the status does; parts, flags or the timeline change
    NOTHING = "nothing"  # not one row changes
    REFUSED = "refused"  # with a reason, to the person or client who asked
    TOO_LATE = "too late"  # written on the timeline and otherwise ignored


@dataclass(frozen=True, slots=True)
class Promise:
    """What happens in these states. `why` of all but moves; `test` (a pytest node id) goes through each of the
    pairs that change something."""

    states: tuple[OrderStatus, ...]
    kind: Kind
    to: tuple[OrderStatus, ...] = ()
    why: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`tells` is what this event says, where it may say different things."""

    event: type
    tells: str
    promises: tuple[Promise, ...]

    def of(self, status: OrderStatus) -> list[Promise]:
        return [promise for promise in self.promises if status in promise.states]

    def test_of(self, promise: Promise, status: OrderStatus) -> str:
        """The test that goes through this pair; "" where nothing changes, so that there is nothing to go through."""
        if promise.kind not in (Kind.MOVES, Kind.STAYS):
            return ""
        return promise.test or f"{EVERY_PAIR}[{status.value}]"


# The test that brings about every pair by itself; a promise may name one that tells more of a story.
EVERY_PAIR = "tests/orders/test_matrix.py::test_in_this_state_each_event_does_what_is_promised"
_APPLY, _BY_HAND = "tests/orders/test_apply.py::test_", "tests/orders/test_by_hand.py::test_"
_NOTICES = "tests/orders/test_notices.py::test_"
_JOURNEY = "tests/journeys/test_there_and_back.py::test_"

States = OrderStatus | Iterable[OrderStatus]

O = OrderStatus  # noqa: E741  (read by columns)
ALL = tuple(O)
CLOSED = (O.SHIPPED, O.CANCELLED)
OPEN = tuple(one for one in O if one not in CLOSED)
UNDECIDED = (O.NOT_SHIPPED, O.WAITING)  # nothing of it is on its way to the marketplace
DECIDED = (O.PENDING_SHIPMENT, O.PROCESSING, O.PENDING_CANCELLATION)  # all of it is


def but(*left_out: OrderStatus, of: Iterable[OrderStatus] = ALL) -> tuple[OrderStatus, ...]:
    return tuple(one for one in of if one not in left_out)


def _all_of(states: States) -> tuple[OrderStatus, ...]:
    return (states,) if isinstance(states, OrderStatus) else tuple(states)


def moves(states: States, to: States, test: str = "") -> Promise:
    return Promise(_all_of(states), Kind.MOVES, _all_of(to), test=test)


def stays(states: States, why: str, test: str = "") -> Promise:
    return Promise(_all_of(states), Kind.STAYS, why=why, test=test)


def nothing(states: States, why: str) -> Promise:
    return Promise(_all_of(states), Kind.NOTHING, why=why)


def refused(states: States, why: str) -> Promise:
    return Promise(_all_of(states), Kind.REFUSED, why=why)


def too_late(states: States, why: str) -> Promise:
    return Promise(_all_of(states), Kind.TOO_LATE, why=why)


def _row(event: type, tells: str, *promises: Promise) -> Row:
    return Row(event, tells, promises)


KNOWN = "it is what we hold already"
FINAL = "closed orders are not opened again"
IN_SHOP = "it stands in the shop already and goes on"
DEALT_WITH = "what it tells of was dealt with before"
STILL_OPEN = "other parts decide the status"
UNCONFIRMED = "the marketplace still verifies the order: what the shop says is noted and not followed"
NOT_FOLLOWED = "a person handles it: what the shop says is noted and not followed"
ON_ITS_WAY = "nothing is open any more: what the shop says is noted"
OF_MARKETPLACE = "the marketplace ships it itself: what the shop says is noted and not followed"
SETTLED = "that decision is settled"
NOTED = "noted; the parts wait for the answer"
LATE_ANSWER = "noted; the parts went another way meanwhile"
CANNOT = "it is closed, decided, unconfirmed or handled manually; the person is told which"
TOLD_BEFORE = "the same form or call once more"

# -- what the marketplace tells --------------------------------------------------------------------------
_MARKETPLACE = (
    _row(
        events.MarketplaceNews,
        "open, and nobody asks to cancel",
        moves(O.AWAITING_CONFIRMATION, O.NOT_SHIPPED, _APPLY + "unconfirmed_goes_to_the_shop_only_when_confirmed"),
        moves(O.AWAITING_CONFIRMATION, DECIDED),  # where a person decided about it before
        moves(
            O.CANCELLATION_REQUEST,
            O.NOT_SHIPPED,
            _JOURNEY + "a_request_holds_the_order_in_the_shop_until_it_is_withdrawn",
        ),
        moves(O.CANCELLATION_REQUEST, (O.WAITING, O.PARTIAL)),
        nothing(but(O.AWAITING_CONFIRMATION, O.CANCELLATION_REQUEST), KNOWN),
        stays((*DECIDED, O.MANUAL), "the buyer takes the request back; what was decided goes on"),
    ),
    _row(
        events.MarketplaceNews,
        "verified again",
        moves((O.NOT_SHIPPED, O.CANCELLATION_REQUEST), O.AWAITING_CONFIRMATION),
        stays(O.MANUAL, "not in the shop yet: should it be handed back, it waits for the confirmation"),
        nothing(O.AWAITING_CONFIRMATION, KNOWN),
        nothing(but(O.AWAITING_CONFIRMATION, of=OPEN), IN_SHOP + ", or a person decided about it"),
        nothing(CLOSED, FINAL),
    ),
    _row(
        events.MarketplaceNews,
        "the buyer asks to cancel",
        moves(
            O.NOT_SHIPPED,
            O.CANCELLATION_REQUEST,
            _JOURNEY + "a_buyers_request_shows_and_the_order_may_still_be_shipped",
        ),
        moves((O.AWAITING_CONFIRMATION, O.WAITING, O.PARTIAL), O.CANCELLATION_REQUEST),
        moves(O.AWAITING_CONFIRMATION, DECIDED),
        stays((*DECIDED, O.MANUAL), "noted beside what was decided, which goes on"),
        nothing((O.CANCELLATION_REQUEST, *DECIDED, O.MANUAL), "the request is known"),
        nothing(CLOSED, FINAL),
    ),
    _row(
        events.MarketplaceNews,
        "a part was shipped there",
        moves(O.AWAITING_CONFIRMATION, (O.PARTIAL, O.CANCELLATION_REQUEST)),
        moves(O.AWAITING_CONFIRMATION, DECIDED),
        moves(O.NOT_SHIPPED, O.PARTIAL, _APPLY + "part_shipped_there_is_partial"),
        moves(O.WAITING, O.PARTIAL),
        moves((O.PENDING_SHIPMENT, O.PROCESSING, O.PARTIAL, O.MANUAL), (O.PENDING_CANCELLATION, O.SHIPPED)),
        moves((O.PENDING_CANCELLATION, O.CANCELLATION_REQUEST), O.SHIPPED),
        stays(but(O.AWAITING_CONFIRMATION, *UNDECIDED, of=OPEN), STILL_OPEN),
        nothing(but(O.AWAITING_CONFIRMATION, *UNDECIDED), DEALT_WITH),
    ),
    _row(
        events.MarketplaceNews,
        "a part was cancelled there",
        moves(O.AWAITING_CONFIRMATION, (O.PARTIAL, O.CANCELLATION_REQUEST)),
        moves(O.AWAITING_CONFIRMATION, DECIDED),
        moves(O.NOT_SHIPPED, O.PARTIAL, _NOTICES + "a_line_cancelled_there_is_told_by_its_name"),
        moves(O.WAITING, O.PARTIAL),
        moves((O.PENDING_SHIPMENT, O.PROCESSING, O.PARTIAL, O.MANUAL), (O.PENDING_CANCELLATION, O.CANCELLED)),
        moves((O.PENDING_CANCELLATION, O.CANCELLATION_REQUEST), O.CANCELLED),
        stays(but(O.AWAITING_CONFIRMATION, *UNDECIDED, of=OPEN), STILL_OPEN),
        nothing(but(O.AWAITING_CONFIRMATION, *UNDECIDED), DEALT_WITH),
    ),
    _row(
        events.MarketplaceNews,
        "shipped",
        moves(O.NOT_SHIPPED, O.SHIPPED, _JOURNEY + "an_order_shipped_by_hand_at_bol_is_closed_and_nothing_is_sent"),
        moves(O.MANUAL, O.SHIPPED, _APPLY + "manual_orders_still_close_when_the_marketplace_says_so"),
        moves(but(O.NOT_SHIPPED, O.MANUAL, of=OPEN), O.SHIPPED),
        nothing(CLOSED, FINAL),
    ),
    _row(
        events.MarketplaceNews,
        "cancelled",
        moves(O.NOT_SHIPPED, O.CANCELLED, _JOURNEY + "an_order_cancelled_at_bol_is_closed_here"),
        moves((O.AWAITING_CONFIRMATION, O.WAITING), O.CANCELLED),
        moves(but(O.AWAITING_CONFIRMATION, *UNDECIDED, of=OPEN), CLOSED),  # shipped, where a part of it was before
        nothing(CLOSED, FINAL),
    ),
    _row(
        events.MarketplaceNews,
        "more of an item is ordered",
        moves(O.AWAITING_CONFIRMATION, (O.NOT_SHIPPED, O.CANCELLATION_REQUEST, O.PARTIAL)),
        moves((O.PENDING_SHIPMENT, O.PROCESSING), (O.PARTIAL, O.CANCELLATION_REQUEST)),
        moves(O.PENDING_CANCELLATION, (O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL)),
        stays((*UNDECIDED, O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), "what is added is open like the rest"),
        too_late(CLOSED, FINAL),
    ),
    _row(
        events.MarketplaceNews,
        "less of an item is ordered",
        moves(O.AWAITING_CONFIRMATION, (O.NOT_SHIPPED, O.CANCELLATION_REQUEST, *DECIDED)),
        stays(but(O.AWAITING_CONFIRMATION), "noted; what is open is taken out, what is dealt with stays"),
    ),
)

# -- what the shop tells, and time -----------------------------------------------------------------------
_SHOP = (
    _row(
        events.CreatedInShop,
        "",
        stays(O.NOT_SHIPPED, "it stands there now", _JOURNEY + "an_order_goes_all_the_way_round"),
        stays(but(*UNDECIDED), "it stands there now, whatever was decided meanwhile"),
        nothing(ALL, "it stood there already"),
    ),
    _row(
        events.ShopNews,
        "open",
        moves(O.WAITING, O.NOT_SHIPPED, _APPLY + "reopened_in_the_shop_is_not_shipped_again"),
        stays((O.NOT_SHIPPED, O.PARTIAL, O.CANCELLATION_REQUEST), "noted; what waited for a code is open again"),
        stays((*DECIDED, *CLOSED), ON_ITS_WAY),
        stays(O.AWAITING_CONFIRMATION, UNCONFIRMED),
        stays(O.MANUAL, NOT_FOLLOWED),
    ),
    _row(
        events.ShopNews,
        "completed, with a code for all that is open",
        moves(
            O.NOT_SHIPPED,
            O.PENDING_SHIPMENT,
            _APPLY + "completed_with_a_code_is_pending_shipment_and_told_to_the_marketplace",
        ),
        moves(O.WAITING, O.PENDING_SHIPMENT, _JOURNEY + "without_a_code_it_waits_and_a_late_code_is_sent"),
        moves(O.PARTIAL, O.PENDING_SHIPMENT, _APPLY + "two_parcels_are_two_shipments_item_by_item"),
        moves(O.CANCELLATION_REQUEST, O.PENDING_SHIPMENT, _APPLY + "a_requested_order_may_still_be_shipped"),
        stays(O.NOT_SHIPPED, OF_MARKETPLACE),
        stays((*DECIDED, *CLOSED), ON_ITS_WAY),
        stays(O.AWAITING_CONFIRMATION, UNCONFIRMED),
        stays(O.MANUAL, NOT_FOLLOWED, _APPLY + "manual_orders_are_left_alone_by_the_shop"),
    ),
    _row(
        events.ShopNews,
        "completed, without a code",
        moves(O.NOT_SHIPPED, O.WAITING, _JOURNEY + "without_a_code_it_waits_and_a_late_code_is_sent"),
        stays(O.NOT_SHIPPED, OF_MARKETPLACE),
        stays(O.WAITING, "it waits already"),
        stays((O.PARTIAL, O.CANCELLATION_REQUEST), "what is open waits for its code"),
        stays((*DECIDED, *CLOSED), ON_ITS_WAY),
        stays(O.AWAITING_CONFIRMATION, UNCONFIRMED),
        stays(O.MANUAL, NOT_FOLLOWED),
    ),
    _row(
        events.ShopNews,
        "a parcel with a part of it",
        moves(O.NOT_SHIPPED, O.PARTIAL, _APPLY + "two_parcels_are_two_shipments_item_by_item"),
        moves(O.WAITING, O.PARTIAL),
        moves((O.PARTIAL, O.CANCELLATION_REQUEST), O.PENDING_SHIPMENT),
        stays((O.PARTIAL, O.CANCELLATION_REQUEST), STILL_OPEN),
        stays(O.NOT_SHIPPED, OF_MARKETPLACE),
        stays((*DECIDED, *CLOSED), ON_ITS_WAY),
        stays(O.AWAITING_CONFIRMATION, UNCONFIRMED),
        stays(O.MANUAL, NOT_FOLLOWED),
    ),
    _row(
        events.ShopNews,
        "cancelled",
        moves(O.NOT_SHIPPED, O.PENDING_CANCELLATION, _JOURNEY + "cancelled_in_the_shop_is_cancelled_at_bol"),
        moves(O.WAITING, O.PENDING_CANCELLATION),
        moves(O.PARTIAL, (O.PENDING_CANCELLATION, O.PENDING_SHIPMENT, O.PROCESSING)),
        moves(
            O.CANCELLATION_REQUEST,
            O.PENDING_CANCELLATION,
            _JOURNEY + "a_request_is_accepted_by_cancelling_in_the_shop",
        ),
        moves(O.CANCELLATION_REQUEST, (O.PENDING_SHIPMENT, O.PROCESSING)),
        stays(O.NOT_SHIPPED, "the marketplace refused this very cancellation, or ships the order itself"),
        stays((*DECIDED, *CLOSED), ON_ITS_WAY),
        stays(O.AWAITING_CONFIRMATION, UNCONFIRMED),
        stays(O.MANUAL, NOT_FOLLOWED),
    ),
    _row(events.ShopNews, "the same once more", nothing(ALL, KNOWN)),
    _row(events.ShopNews, "older than what we hold", too_late(ALL, "the shop told something newer before")),
    _row(
        events.WaitOver,
        "",
        moves(O.WAITING, O.PENDING_SHIPMENT, _JOURNEY + "after_three_hours_it_is_sent_without_a_code"),
        moves(O.PARTIAL, O.PENDING_SHIPMENT),
        nothing(ALL, "nothing of it waits for the end of this time"),
    ),
    _row(events.ShopTold, "", stays(ALL, "the notice stands in the shop")),
    _row(events.ShopTold, "told before", nothing(ALL, KNOWN)),
    _row(
        events.ShopNotTold,
        "",
        stays(O.CANCELLED, "an error", _JOURNEY + "a_shop_that_lost_the_order_cannot_be_told_and_a_person_is"),
        stays(but(O.CANCELLED), "an error, also of a closed order: in the shop somebody may still pack it"),
    ),
    _row(events.ShopNotTold, "told before", nothing(ALL, KNOWN)),
)

# -- what people and API clients do ----------------------------------------------------------------------
_AGAIN = (
    stays(but(O.MANUAL), "what failed is tried again, each looked up first"),
    moves((O.WAITING, O.PARTIAL, O.CANCELLATION_REQUEST), (O.PENDING_SHIPMENT, O.PENDING_CANCELLATION)),
    # Handed back: to where its parts are.
    moves(O.MANUAL, but(O.MANUAL, of=OPEN)),
    moves(O.PENDING_CANCELLATION, O.AWAITING_CONFIRMATION),
)
_PEOPLE = (
    _row(
        events.ShippedByHand,
        "all that is open",
        moves(O.NOT_SHIPPED, O.PENDING_SHIPMENT, _BY_HAND + "all_that_is_open_is_shipped_at_once"),
        moves(O.PARTIAL, O.PENDING_SHIPMENT, _BY_HAND + "pieces_of_an_item_are_shipped_and_the_rest_stays_open"),
        moves((O.WAITING, O.CANCELLATION_REQUEST), O.PENDING_SHIPMENT),
        refused(O.NOT_SHIPPED, "its order connection was removed, or the marketplace ships it itself"),
        refused((O.AWAITING_CONFIRMATION, *DECIDED, *CLOSED, O.MANUAL), CANNOT),
    ),
    _row(
        events.ShippedByHand,
        "a part",
        moves(O.NOT_SHIPPED, O.PARTIAL, _BY_HAND + "pieces_of_an_item_are_shipped_and_the_rest_stays_open"),
        moves(O.WAITING, O.PARTIAL),
        moves((O.PARTIAL, O.CANCELLATION_REQUEST), O.PENDING_SHIPMENT),
        stays((O.PARTIAL, O.CANCELLATION_REQUEST), STILL_OPEN),
        refused(O.NOT_SHIPPED, "its order connection was removed, or the marketplace ships it itself"),
        refused((O.PARTIAL, O.CANCELLATION_REQUEST), "that part is not open any more"),
        refused((O.AWAITING_CONFIRMATION, *DECIDED, *CLOSED, O.MANUAL), CANNOT),
    ),
    _row(events.ShippedByHand, "the same once more", nothing(ALL, TOLD_BEFORE)),
    _row(
        events.CancelledByHand,
        "all that is open",
        moves(O.NOT_SHIPPED, O.PENDING_CANCELLATION, _BY_HAND + "all_that_is_open_is_cancelled"),
        moves((O.WAITING, O.MANUAL), O.PENDING_CANCELLATION),
        moves(O.PARTIAL, (O.PENDING_CANCELLATION, O.PENDING_SHIPMENT, O.PROCESSING)),
        moves(O.CANCELLATION_REQUEST, O.PENDING_CANCELLATION, _JOURNEY + "a_buyers_request_is_accepted_by_hand"),
        moves(O.CANCELLATION_REQUEST, (O.PENDING_SHIPMENT, O.PROCESSING)),
        stays(O.MANUAL, "a part of it was on its way as shipped before"),
        refused(O.NOT_SHIPPED, "its order connection was removed"),
        refused(O.MANUAL, "nothing of it is open any more"),
        refused((O.AWAITING_CONFIRMATION, *DECIDED, *CLOSED), CANNOT),
    ),
    _row(
        events.CancelledByHand,
        "a part",
        moves(O.NOT_SHIPPED, O.PARTIAL, _BY_HAND + "one_item_is_cancelled_and_the_others_go_on"),
        moves(O.WAITING, O.PARTIAL),
        moves((O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), O.PENDING_CANCELLATION),
        stays((O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), STILL_OPEN),
        refused(O.NOT_SHIPPED, "its order connection was removed"),
        refused((O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), "that part is not open any more"),
        refused((O.AWAITING_CONFIRMATION, *DECIDED, *CLOSED), CANNOT),
    ),
    _row(events.CancelledByHand, "the same once more", nothing(ALL, TOLD_BEFORE)),
    _row(
        events.TakenManually,
        "",
        moves(O.NOT_SHIPPED, O.MANUAL, _JOURNEY + "an_order_handled_manually_is_left_alone"),
        moves(but(O.NOT_SHIPPED, O.MANUAL, of=OPEN), O.MANUAL),
        stays(O.PENDING_CANCELLATION, "the cancellation is at the marketplace; refused, the order is a person's"),
        nothing((O.PENDING_CANCELLATION, O.MANUAL), KNOWN),
        nothing(CLOSED, "nothing is left to handle; the page refuses it"),
    ),
    _row(
        events.Resent,
        "",
        *_AGAIN,
        moves(O.NOT_SHIPPED, O.PENDING_SHIPMENT, _JOURNEY + "a_shipment_that_bol_refuses_is_an_error_to_solve"),
        moves(O.NOT_SHIPPED, O.PENDING_CANCELLATION),
    ),
    _row(
        events.ProductLinked,
        "",
        *_AGAIN,
        moves(O.NOT_SHIPPED, (O.PENDING_SHIPMENT, O.PENDING_CANCELLATION)),
    ),
)

# -- what became of what we told -------------------------------------------------------------------------
_ANSWERS = (
    _row(
        events.ShipmentAccepted,
        "",
        moves(O.PENDING_SHIPMENT, O.PROCESSING, _JOURNEY + "an_order_goes_all_the_way_round"),
        stays((O.PARTIAL, O.MANUAL), STILL_OPEN),
        stays((O.AWAITING_CONFIRMATION, *UNDECIDED, O.PENDING_CANCELLATION, *CLOSED), LATE_ANSWER),
        stays(O.CANCELLATION_REQUEST, NOTED),
        nothing(but(*UNDECIDED, O.CANCELLED), SETTLED),
    ),
    _row(
        events.ShipmentConfirmed,
        "",
        moves(O.PROCESSING, O.SHIPPED, _JOURNEY + "an_order_goes_all_the_way_round"),
        moves(but(O.PROCESSING, of=OPEN), O.SHIPPED),
        moves(O.PENDING_SHIPMENT, (O.PROCESSING, O.PENDING_CANCELLATION)),
        moves(O.PROCESSING, O.PENDING_CANCELLATION),
        stays((O.PENDING_SHIPMENT, O.PROCESSING, O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), STILL_OPEN),
        stays(CLOSED, LATE_ANSWER),
        nothing((*DECIDED, O.SHIPPED, O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), SETTLED),
    ),
    _row(
        events.ShipmentRefused,
        "",
        moves(O.PENDING_SHIPMENT, O.WAITING, _APPLY + "a_refused_shipment_goes_back_to_where_it_was_with_the_error"),
        moves(O.PENDING_SHIPMENT, (O.NOT_SHIPPED, O.PARTIAL, O.CANCELLATION_REQUEST)),
        moves(O.PROCESSING, O.NOT_SHIPPED, _JOURNEY + "a_shipment_that_bol_refuses_is_an_error_to_solve"),
        moves(O.PROCESSING, (O.WAITING, O.PARTIAL, O.CANCELLATION_REQUEST)),
        moves(O.PARTIAL, UNDECIDED),
        stays((O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), "an error; " + STILL_OPEN),
        stays(O.AWAITING_CONFIRMATION, "an error"),
        stays(CLOSED, LATE_ANSWER),
        nothing(but(O.CANCELLED), SETTLED),
    ),
    _row(
        events.CancellationAccepted,
        "",
        stays(O.PENDING_CANCELLATION, NOTED, _JOURNEY + "cancelled_in_the_shop_is_cancelled_at_bol"),
        stays((O.PENDING_SHIPMENT, O.PROCESSING, O.PARTIAL, O.MANUAL), NOTED),
        stays((O.AWAITING_CONFIRMATION, *UNDECIDED, O.CANCELLATION_REQUEST, *CLOSED), LATE_ANSWER),
        nothing(but(O.AWAITING_CONFIRMATION, *UNDECIDED), SETTLED),
    ),
    _row(
        events.CancellationConfirmed,
        "",
        moves(O.PENDING_CANCELLATION, O.CANCELLED, _JOURNEY + "cancelled_in_the_shop_is_cancelled_at_bol"),
        moves(O.PENDING_CANCELLATION, O.SHIPPED),  # the rest was
        moves((O.AWAITING_CONFIRMATION, *UNDECIDED, O.CANCELLATION_REQUEST, O.MANUAL), O.CANCELLED),
        moves(O.PARTIAL, O.SHIPPED),
        stays(but(O.AWAITING_CONFIRMATION, *UNDECIDED, of=OPEN), STILL_OPEN),
        stays(CLOSED, LATE_ANSWER),
        nothing(but(O.AWAITING_CONFIRMATION, *UNDECIDED), SETTLED),
    ),
    _row(
        events.CancellationRefused,
        "",
        moves(
            O.PENDING_CANCELLATION,
            O.NOT_SHIPPED,
            _JOURNEY + "a_cancellation_that_bol_refuses_is_taken_back_in_the_shop",
        ),
        moves(O.PENDING_CANCELLATION, (O.WAITING, O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL)),
        moves((O.PENDING_SHIPMENT, O.PROCESSING), O.PARTIAL),
        moves(O.PARTIAL, UNDECIDED),
        stays((O.PARTIAL, O.CANCELLATION_REQUEST, O.MANUAL), "an error; " + STILL_OPEN),
        stays(O.AWAITING_CONFIRMATION, "an error"),
        stays(O.SHIPPED, LATE_ANSWER),
        nothing(ALL, SETTLED),
    ),
)

# -- the service's own -----------------------------------------------------------------------------------
_SERVICE = (
    _row(
        events.Failed,
        "",
        stays(O.NOT_SHIPPED, "an error", _JOURNEY + "a_product_the_shop_does_not_know_holds_up_no_other_order"),
        stays(but(O.NOT_SHIPPED, of=OPEN), "an error"),
        nothing(CLOSED, "a closed order needs nothing any more"),
    ),
    _row(
        events.Orphaned,
        "",
        stays(
            O.NOT_SHIPPED, "an error", _JOURNEY + "a_deleted_order_connection_flags_its_open_orders_and_sends_nothing"
        ),
        stays(but(O.NOT_SHIPPED, of=OPEN), "an error; nothing is sent until it is adopted"),
        nothing(CLOSED, "its history stays as it is"),
    ),
    _row(
        events.Adopted,
        "",
        stays(
            O.NOT_SHIPPED,
            "it goes on where it was",
            _JOURNEY + "the_account_deleted_and_connected_again_finds_its_orders",
        ),
        stays(but(O.NOT_SHIPPED), "it goes on where it was"),
    ),
)

MATRIX: tuple[Row, ...] = (*_MARKETPLACE, *_SHOP, *_PEOPLE, *_ANSWERS, *_SERVICE)

# About a return or a file of the order: they have states of their own, and the order's stays whatever they say.
BESIDES: frozenset[type] = frozenset(
    {
        events.ReturnNews,
        events.ReturnGone,
        events.ReturnDecided,
        events.ReturnReported,
        events.ReturnTakenManually,
        events.RefundResent,
        events.ReturnAccepted,
        events.ReturnConfirmed,
        events.ReturnRefused,
        events.RefundedInShop,
        events.NotRefundedInShop,
        events.AttachmentStored,
        events.AttachmentRemoved,
        events.InvoiceAccepted,
        events.InvoiceConfirmed,
        events.InvoiceRefused,
        events.LabelFetched,
    }
)
