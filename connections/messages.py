"""Every error code in words: what happened, whose side, what it means, what to do.

The one catalogue that pages, mails and the API read. `reason` is the API contract's coarse
`error_reason`, or "" for what isn't about one order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Message:
    title: Text
    side: Text  # whose side it is on
    meaning: Text
    remedy: Text
    action: str = ""  # the one button: a key of the pages' actions
    reason: str = ""


MARKETPLACE, SHOP, US, REMOTE = _("marketplace"), _("shop"), _("order sync"), _("the other system")

MESSAGES: Mapping[str, Message] = {
    # -- accounts
    "connector.transient": Message(
        _("The other system does not answer"),
        REMOTE,
        _("Nothing is lost: everything waits and goes on by itself when it answers again."),
        _("Nothing, unless it lasts: then check whether the shop or marketplace is down."),
    ),
    "connector.unreachable": Message(
        _("The other system can't be reached"),
        REMOTE,
        _("Its name or its server does not answer; everything waits and goes on by itself."),
        _("Check the address and whether the shop is up."),
    ),
    "connector.certificate": Message(
        _("The other system's certificate can't be trusted"),
        REMOTE,
        _("Nothing is sent over a line that somebody could read."),
        _("Ask the shop's host to renew the certificate."),
    ),
    "connector.timeout": Message(
        _("The other system took too long to answer"),
        REMOTE,
        _("What was sent is looked up there before it is sent again."),
        _("Nothing, unless it lasts."),
    ),
    "connector.cut": Message(
        _("The answer was cut off"),
        REMOTE,
        _("What was sent is looked up there before it is sent again."),
        _("Nothing, unless it lasts."),
    ),
    "connector.out_of_time": Message(
        _("A run took too long and stopped half-way"),
        US,
        _("What it read so far is kept; the next run goes on from there."),
        _("Nothing."),
    ),
    "connector.blocked": Message(
        _("A firewall before the shop turns us away"),
        SHOP,
        _("The shop's host answers with a page of its own instead of the shop."),
        _("Ask the host to let the order sync through, then press Sync now."),
        "sync_now",
    ),
    "connector.rate_limited": Message(
        _("Slowed down"),
        REMOTE,
        _("The other system asks us to wait; we go on after the time it named."),
        _("Nothing."),
    ),
    "connector.auth": Message(
        _("The access was refused"),
        REMOTE,
        _("The credentials are wrong, expired or revoked. Orders wait until they are renewed."),
        _("Connect the account again; what was missed is caught up."),
        "reconnect",
    ),
    "connector.contract": Message(
        _("The other system answered something that its documentation does not describe"),
        REMOTE,
        _("Nothing was taken over from that answer."),
        _("We look into it. If the shop was changed lately, undo that change first."),
    ),
    "connector.address_refused": Message(
        _("This address cannot be used"),
        US,
        _("It leads into a private network or is no web address."),
        _("Enter the public address of the shop, beginning with https://."),
        "reconnect",
    ),
    "connector.credentials_unreadable": Message(
        _("The stored credentials cannot be opened"),
        US,
        _("The key they were locked with is no longer there."),
        _("Put the former key back into CREDENTIAL_KEYS, or connect the account again."),
        "reconnect",
    ),
    "connector.refused": Message(
        _("The other system refused it"),
        REMOTE,
        _("It said why; nothing was changed there."),
        _("Read its answer below, put it right there, then resend."),
        "resend",
        "platform_failure",
    ),
    "internal": Message(
        _("Something went wrong on our side"),
        US,
        _("The order stays as it is and is looked up before anything is sent again."),
        _("We have been told. Resend it if it stays."),
        "resend",
        "platform_failure",
    ),
    # -- orders
    "order.unreadable": Message(
        _("An order could not be read"),
        MARKETPLACE,
        _("The marketplace sent it in a form we cannot use; other orders go on."),
        _("Handle it in the seller account; it appears here as soon as it can be read."),
    ),
    "order.gone": Message(
        _("The order is no longer there"),
        REMOTE,
        _("It was deleted in the other system."),
        _("Handle it manually."),
        "handle_manually",
        "expired",
    ),
    "order.amounts_differ": Message(
        _("The amounts do not add up"),
        MARKETPLACE,
        _("The marketplace's total is not the sum of its lines; the order is passed on as it came."),
        _("Compare it with the seller account."),
        "",
        "pricing",
    ),
    "order.strange_date": Message(
        _("The order date lies in the future"),
        MARKETPLACE,
        _("The order is passed on as it came."),
        _("Compare it with the seller account."),
        "",
        "pricing",
    ),
    "order.orphan": Message(
        _("Its order connection was removed"),
        US,
        _("Nothing is sent for this order any more."),
        _("Handle it in the seller account, or connect the account again."),
        "",
        "orphan",
    ),
    "shop.unreadable": Message(
        _("The shop's news of this order could not be read"),
        SHOP,
        _("The order keeps its status; the next change in the shop is read again."),
        _("Open the order in the shop and save it again."),
        "",
        "platform_failure",
    ),
    "shop.not_told": Message(
        _("The shop could not be told"),
        SHOP,
        _("The order was cancelled, or the buyer asks for that, and those who pack it may not know."),
        _("See to the order in the shop yourself. Resend tells the shop again."),
        "resend",
        "platform_failure",
    ),
    "product.not_found": Message(
        _("A product was not found in the shop"),
        SHOP,
        _("The order was not created in the shop."),
        _("Link the product here, or give it this SKU in the shop and resend."),
        "link",
        "missing_reference",
    ),
    "product.out_of_stock": Message(
        _("The shop has too little in stock"),
        SHOP,
        _("The order was not created in the shop."),
        _("Raise the stock and resend, or cancel the order."),
        "resend",
        "platform_failure",
    ),
    "address.unusable": Message(
        _("The address cannot be used by the shop"),
        SHOP,
        _("The order was not created in the shop."),
        _("Handle the order manually with the address corrected."),
        "handle_manually",
        "address_parsing",
    ),
    "pricing.currency": Message(
        _("The shop does not take this currency"),
        SHOP,
        _("The order was not created in the shop."),
        _("Allow the currency in the shop, then resend."),
        "resend",
        "pricing",
    ),
    "shipment.refused": Message(
        _("The marketplace refused the shipment"),
        MARKETPLACE,
        _("The order is still open there."),
        _("Read its answer below, put it right, then resend."),
        "resend",
        "shipment_failure",
    ),
    "shipment.code_needed": Message(
        _("A tracking code is needed"),
        SHOP,
        _("This marketplace does not accept a shipment without one."),
        _("Enter the code here or in the shop."),
        "ship",
        "shipment_failure",
    ),
    "shipment.transporter_needed": Message(
        _("The transporter is not known"),
        SHOP,
        _("There is a tracking code, but neither the shop nor the settings say whose it is."),
        _("Add a transporter rule or choose a default, then resend; or confirm the shipment here."),
        "resend",
        "shipment_failure",
    ),
    "cancellation.unsupported": Message(
        _("The marketplace takes no cancellations from us"),
        MARKETPLACE,
        _("The order was cancelled in the shop and is still open at the marketplace."),
        _("Cancel it in the seller account; it is closed here as soon as the marketplace tells."),
        "",
        "shipment_failure",
    ),
    "cancellation.refused": Message(
        _("The marketplace refused the cancellation"),
        MARKETPLACE,
        _("The order is still open there."),
        _("Read its answer below; ship the order or cancel it in the seller account."),
        "resend",
        "shipment_failure",
    ),
    "return.unreadable": Message(
        _("A return could not be read"),
        MARKETPLACE,
        _("The marketplace sent it in a form we cannot use; other returns go on."),
        _("Decide about it in the seller account; it appears here as soon as it can be read."),
    ),
    "return.refused": Message(
        _("The marketplace refused the decision about a return"),
        MARKETPLACE,
        _("The return is still open there."),
        _("Read its answer below and decide again, or decide in the seller account."),
        "decide",
    ),
    "refund.refused": Message(
        _("The refund could not be written down in the shop"),
        SHOP,
        _("The buyer gets the money from the marketplace all the same; the shop's books and stock miss it."),
        _("Refund the items in the shop by hand, or write it down again from here."),
        "refund",
    ),
    "invoice.refused": Message(
        _("The marketplace refused the invoice"),
        MARKETPLACE,
        _("The order itself is not affected; the buyer has no invoice from there."),
        _("Read its answer below. Add a corrected invoice and remove this one, or resend it."),
        "resend",
        "platform_failure",
    ),
    "outbox.needs_check": Message(
        _("Nobody can tell whether it arrived"),
        REMOTE,
        _("The answer was cut off, and the other system can't be asked for it."),
        _("Look there yourself: resend it if it is missing, or handle the order manually."),
        "resend",
        "platform_failure",
    ),
    "outbox.dead": Message(
        _("It failed too often"),
        REMOTE,
        _("We stopped trying after eight attempts that failed while everything else worked."),
        _("Look at the answers in the timeline, then resend."),
        "resend",
        "platform_failure",
    ),
    # -- differences found by comparing both sides
    "reconcile.missing_here": Message(
        _("Open at the marketplace and missing here"),
        MARKETPLACE,
        _("Nobody ships it: neither this service nor the shop has it."),
        _("Click Sync now; if it still is not here, tell us its number."),
    ),
    "reconcile.gone_there": Message(
        _("The marketplace has it no more"),
        MARKETPLACE,
        _("Here it is still open."),
        _("Look in the seller account; handle the order manually if it is gone for good."),
    ),
    "reconcile.closed_there": Message(
        _("Closed at the marketplace and open here"),
        MARKETPLACE,
        _("Its news did not come through."),
        _("Click Sync now; if it stays open, handle the order manually."),
    ),
    "reconcile.not_shipped_there": Message(
        _("Shipped here and open at the marketplace"),
        MARKETPLACE,
        _("The marketplace does not show the shipment that it confirmed, and may cancel the order."),
        _("Confirm the shipment in the seller account."),
    ),
    "reconcile.not_cancelled_there": Message(
        _("Cancelled here and open at the marketplace"),
        MARKETPLACE,
        _("The buyer still expects the order."),
        _("Cancel or ship it in the seller account."),
    ),
    "reconcile.other_end": Message(
        _("Shipped on one side and cancelled on the other"),
        MARKETPLACE,
        _("Buyer, marketplace and shop may believe different things."),
        _("Look in the seller account which is true, and put the shop right."),
    ),
    "reconcile.quantities": Message(
        _("Other quantities at the marketplace"),
        MARKETPLACE,
        _("As many pieces are shipped or cancelled there as nobody knows of here, or the other way round."),
        _("Compare the order with the seller account and tell the missing shipment or cancellation there."),
    ),
    "reconcile.not_in_shop": Message(
        _("Open and not in the shop"),
        SHOP,
        _("Nobody packs it, and nothing is on its way to the shop."),
        _("Resend it: the shop is asked first whether it has it."),
    ),
    "reconcile.gone_in_shop": Message(
        _("Deleted in the shop"),
        SHOP,
        _("Nobody packs it, and no news of it can come."),
        _("Restore it in the shop, or handle the order manually."),
    ),
    "reconcile.doubled_in_shop": Message(
        _("Twice in the shop"),
        SHOP,
        _("Two orders carry the same reference; one could be sent off a second time."),
        _("Cancel the one that is not linked here."),
    ),
    "reconcile.not_told": Message(
        _("Shipped in the shop and not told"),
        US,
        _("The marketplace waits for this shipment."),
        _("Click Sync now; if it stays, confirm the shipment on the order's page."),
    ),
    "reconcile.cancelled_in_shop": Message(
        _("Cancelled in the shop and open here"),
        US,
        _("The marketplace does not know of the cancellation."),
        _("Click Sync now; if it stays, cancel it on the order's page."),
    ),
}

FALLBACK = MESSAGES["internal"]


def message_for(code: str) -> Message:
    return MESSAGES.get(code, FALLBACK)


def reason_for(code: str) -> str | None:
    """The API contract's `error_reason` of a code; None without an error."""
    return (message_for(code).reason or "platform_failure") if code else None
