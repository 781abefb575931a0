"""Which transporter a parcel goes with: from the shop's own words to our unified codes.

The order of asking: the merchant's rules on the code, what the shop said, the order connection's default,
the project's, the look of the code. Source of codes and labels: the public API's transporter list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

CODES: dict[str, str] = {
    "AMAZON_LOGISTICS": "Amazon Logistics",
    "AMAZON_SHIPPING": "Amazon Shipping",
    "ANPOST": "An Post",
    "ARAMEX": "Aramex",
    "ASENDIA": "Asendia",
    "AUSTRIAN_POST": "Austrian Post",
    "AUSTRIA_POST": "Austria Post",
    "B2C_EUROPE": "B2C Europe",
    "BARTOLINI": "BRT Bartolini",
    "BPOST": "Bpost",
    "BPOST_INTERNATIONAL": "Bpost international",
    "BRENGER": "Brenger",
    "BRIEFPOST": "Briefpost",
    "BRING": "Bring",
    "BRT": "Bartolini",
    "BUDBEE": "Budbee",
    "CAINIAO": "Cainiao Standard Shipping",
    "CESKA_POSTA": "Ceska Posta",
    "CEVA": "CEVA Logistics",
    "CHRONOPOST": "Chronopost",
    "COLISSIMO": "Colissimo",
    "COLIS_PRIVE": "Colis Prive",
    "CORREOS": "Correos",
    "CORREOS_EXPRESS": "Correos Express",
    "CTT": "CTT",
    "CTT_EXPRESS": "CTT Express",
    "CYCLOON": "Cycloon Fietskoeriers",
    "DACHSER": "Dachser",
    "DBSCHENKER": "DB Schenker",
    "DEUTSCHE_POST": "Deutsche Post",
    "DHL": "DHL",
    "DHL_ECOMMERCE": "DHL eCommerce",
    "DHL_EXPRESS": "DHL Express",
    "DHL_FOR_YOU": "DHL For You",
    "DHL_FREIGHT": "DHL Freight",
    "DHL_GLOBAL_MAIL": "DHL Global Mail",
    "DHL_PAKET": "DHL Paket",
    "DHL_PAKET_INTERNATIONAL": "DHL Paket International",
    "DHL_PARCEL": "DHL Parcel",
    "DHL_SAME_DAY": "DHL Same Day",
    "DHL_WARENPOST": "DHL Warenpost",
    "DPD": "DPD",
    "DPD_EXPRESS": "DPD Express",
    "DPD_LOCAL": "DPD Local",
    "DPD_PREDICT": "DPD Predict",
    "DSV": "DSV",
    "DUTCHNED": "DutchNed",
    "DYNALOGIC": "Dynalogic",
    "EIGEN_VERVOER": "Eigen Vervoer",
    "EVRI": "EVRI",
    "EXTRA_AT_HOME": "Extra @ Home",
    "FEDEX": "FedEx",
    "FEDEX_EXPRESS": "FedEx Express",
    "FIEGE": "Fiege",
    "FIETSKOERIERS": "Fietskoeriers",
    "GEL_EXPRESS": "GEL Express",
    "GEODIS": "Geodis",
    "GLS": "GLS",
    "GLS_EXPRESS": "GLS Express Parcel",
    "HELLMANN": "Hellmann",
    "HEPPNER": "Heppner",
    "HERMES": "Hermes",
    "INPOST": "InPost",
    "INSTABOX": "Instabox",
    "OTHER": "Other",
    "POSTNL": "PostNL",
    "SEUR": "SEUR",
    "SPRING": "Spring Global Mail",
    "SWISS_POST": "Swiss Post",
    "TIPSA": "Tipsa",
    "TNT": "TNT",
    "TNT_EXPRESS": "TNT Express",
    "TRANSMISSION": "TransMission",
    "TRANSOFLEX": "Transoflex",
    "TRUNKRS": "Trunkrs",
    "TSN": "Transportservice Nederland",
    "UPS": "UPS",
    "UPS_EXPRESS": "UPS Express",
    "USPS": "USPS",
    "VENIPAK": "Venipak",
    "VOS_LOGISTICS": "Vos Logistics",
    "YODEL": "Yodel",
    "YUN_EXPRESS": "Yun Express",
    "ZELERIS": "Zeleris",
}

OTHER = "OTHER"  # one that has no code of its own; its name travels beside it

# Formats that only one transporter uses.
FORMATS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"3S[A-Z0-9]{8,16}"), "POSTNL"),
    (re.compile(r"(JVGL|JJD)[0-9A-Z]{10,20}"), "DHL"),
    (re.compile(r"1Z[0-9A-Z]{16}"), "UPS"),
    (re.compile(r"CD[0-9]{9}NL"), "POSTNL"),
)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


_BY_PLAIN_NAME = {_plain(name): code for code, label in CODES.items() for name in (label, code)}
_BY_LENGTH = sorted(_BY_PLAIN_NAME, key=len, reverse=True)


def unified(name: str) -> str:
    """The code of a transporter as a shop names it ("PostNL", "DHL Parcel NL", "postnl-pakket"); "" if
    it is none we know."""
    plain = _plain(name)
    if plain in _BY_PLAIN_NAME:
        return _BY_PLAIN_NAME[plain]
    # Shops add words ("PostNL pakket"); short names would be found inside of other words.
    for known in _BY_LENGTH:
        if len(known) >= 3 and plain.startswith(known):
            return _BY_PLAIN_NAME[known]
    return ""


def detect(tracking_code: str) -> str:
    """From the format of the code; "" where several transporters use it."""
    code = tracking_code.replace(" ", "").upper()
    return next((transporter for pattern, transporter in FORMATS if pattern.fullmatch(code)), "")


# -- the merchant's rules -------------------------------------------------------------------------

LONGEST_PATTERN = 100
MOST_STARS = 3


class WrongRule(ValueError):
    """A rule that can't be; says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` is the whole code, `*` standing for anything and `#` for a digit, upper or lower case; "" makes
    the rule a default. `country_code`: only for parcels that go there. `removes_match`: the pattern's fixed
    text is taken out of the code."""

    transporter: str
    pattern: str = ""
    country_code: str = ""
    removes_match: bool = False

    def check(self) -> None:
        """Raises WrongRule."""
        if self.transporter not in CODES:
            raise WrongRule(f"There is no transporter {self.transporter!r}.")
        if len(self.pattern) > LONGEST_PATTERN or self.pattern.count("*") > MOST_STARS:
            raise WrongRule(f"A pattern has at most {LONGEST_PATTERN} characters and {MOST_STARS} stars.")
        if self.country_code and not re.fullmatch("[A-Z]{2}", self.country_code):
            raise WrongRule(f"{self.country_code!r} is no country: two capital letters, as in NL.")
        if self.removes_match and not self.pattern.strip("*#"):
            raise WrongRule("There is no fixed text in the pattern that could be removed.")

    def goes_to(self, country: str) -> bool:
        return self.country_code in ("", country)

    def matched(self, tracking_code: str) -> str | None:
        """The code as it is to be sent; None if the rule is not about it."""
        found = _compiled(self.pattern).fullmatch(tracking_code)
        if not self.pattern or found is None:
            return None
        if not self.removes_match:
            return tracking_code
        kept, at = "", 0
        for group in range(1, found.re.groups + 1):
            kept += tracking_code[at : found.start(group)]
            at = found.end(group)
        return (kept + tracking_code[at:]).strip() or tracking_code


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Fixed texts are groups. Lazy stars of a bounded number over a bounded text: no blow-up."""
    wild = {"*": ".*?", "#": "[0-9]"}
    pieces = re.split(r"([*#])", pattern)
    return re.compile("".join(wild.get(one) or (f"({re.escape(one)})" if one else "") for one in pieces), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    transporter: str  # unified code; "" if nothing tells
    tracking_code: str  # as it is to be sent


def choose(*, named: str, tracking_code: str, default: str, rules: Sequence[Rule] = (), country: str = "") -> Choice:
    """What to report of a parcel. `rules` in the order in which they are asked; `named` by the shop."""
    here = [rule for rule in rules if rule.goes_to(country)]
    for rule in here:
        code = rule.matched(tracking_code) if tracking_code else None
        if code is not None:
            return Choice(rule.transporter, code)
    of_project = next((rule.transporter for rule in here if not rule.pattern), "")
    return Choice(unified(named) or default or of_project or detect(tracking_code), tracking_code)
