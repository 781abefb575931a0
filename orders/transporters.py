"""Which transporter a parcel goes with: from the shop's own words to our unified codes.

The order of asking: what the shop said, the order connection's default, the look of the code.
Source of codes and labels: the public API's transporter list.
"""

from __future__ import annotations

import re

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


def choose(*, named: str, tracking_code: str, default: str) -> str:
    """The transporter to report; "" if nothing tells."""
    return unified(named) or default or detect(tracking_code)
