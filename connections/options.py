"""The settings of an order connection: stored as JSON, read as values with defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings

from connections.connectors.types import ReturnVerdict
from connections.transporters import CODES

# Further ids under which a shop may know a product -> the field of an order's item that holds it.
ALTERNATIVE_IDS = {"ean": "ean", "reference": "reference_code", "mpn": "article_number"}
SWITCHES = (
    "checks_stock",
    "retrieves_cancellations",
    "handles_returns",
    "refunds_in_shop",
    "restocks_returns",
    "includes_discount",
    "includes_transaction_fee",
)
NUMBER_SCHEMES = ("marketplace", "prefix", "shop")


class WrongOption(ValueError):
    """A setting that does not exist or a value it cannot have; says which."""


@dataclass(frozen=True, slots=True)
class Options:
    number_scheme: str = "marketplace"  # what the shop shows: the marketplace's number, with a prefix, or its own
    number_prefix: str = ""
    payment_method: str = ""  # "" = the marketplace's name
    shipping_method: str = ""  # of the shop, for every delivery method that `shipping_methods` does not name
    shipping_methods: Mapping[str, str] = field(default_factory=dict)  # delivery method there -> the shop's
    customer_id: str = ""  # the shop's customer that every order is given to; "" = each buyer, as a guest
    includes_discount: bool = True  # what the marketplace took off the price is taken off in the shop
    includes_transaction_fee: bool = True
    tag: str = ""
    default_transporter: str = ""  # unified code, for codes without one
    # How long a completed order waits for a tracking code; None = the system's default, 0 = not at
    # all, -1 = never ship without one.
    wait_seconds: int | None = None
    alternative_ids: Sequence[str] = ()  # tried in this order where the shop has no product of the marketplace's id
    checks_stock: bool = True  # refuse what the shop has not in stock
    retrieves_cancellations: bool = True
    handles_returns: bool = True
    return_decision: str = ""  # a ReturnVerdict that is decided at once about every new return; "" = somebody decides
    refunds_in_shop: bool = True  # write down in the shop what a return pays back
    restocks_returns: bool = True  # and take what was accepted back into its stock

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Options:
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})

    @classmethod
    def checked(cls, given: Mapping[str, Any]) -> Options:
        """Raises WrongOption for an unknown name or an impossible value."""
        unknown = set(given) - {one.name for one in fields(cls)}
        if unknown:
            raise WrongOption(f"There is no setting {', '.join(sorted(unknown))}.")
        options = cls(**given)
        if options.number_scheme not in NUMBER_SCHEMES:
            raise WrongOption(f"number_scheme is one of {', '.join(NUMBER_SCHEMES)}.")
        ids = options.alternative_ids
        if isinstance(ids, str) or not set(ids) <= set(ALTERNATIVE_IDS) or len(set(ids)) != len(ids):
            raise WrongOption(f"alternative_ids is a list of {', '.join(ALTERNATIVE_IDS)}, each once.")
        if options.default_transporter and options.default_transporter not in CODES:
            raise WrongOption(f"There is no transporter {options.default_transporter!r}.")
        if options.return_decision and options.return_decision not in set(ReturnVerdict):
            raise WrongOption(f"return_decision is one of {', '.join(ReturnVerdict)}, or empty.")
        methods = options.shipping_methods
        if not isinstance(methods, Mapping) or not all(isinstance(one, str) for one in methods.values()):
            raise WrongOption("shipping_methods names a method of the shop for each of the marketplace's.")
        for name in SWITCHES:
            if not isinstance(getattr(options, name), bool):
                raise WrongOption(f"{name} is true or false.")
        wait = options.wait_seconds
        if wait is not None and not (isinstance(wait, int) and -1 <= wait <= 259_200):
            raise WrongOption("wait_seconds is a number from 0 to 259200 (72 hours), or -1.")
        return options

    @property
    def tracking_wait_seconds(self) -> int | None:
        """Seconds to wait for a code; None: for ever."""
        wait = settings.TRACKING_WAIT_SECONDS if self.wait_seconds is None else self.wait_seconds
        return None if wait < 0 else int(wait)
