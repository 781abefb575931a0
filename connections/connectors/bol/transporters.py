"""Unified transporter codes -> bol's codes.

bol types the code as free text and publishes no list in the description; these are the codes that
clients of v10 use. Its `TNT` means PostNL (the company's former name); the courier TNT is `TNT-EXPRESS`.
"""

from __future__ import annotations

OTHER = "OTHER"

TRANSPORTERS = {
    "POSTNL": "TNT",
    "EXTRA_AT_HOME": "TNT-EXTRA",
    "TNT": "TNT-EXPRESS",
    "TNT_EXPRESS": "TNT-EXPRESS",
    "BRIEFPOST": "BRIEFPOST",
    "DHL": "DHL",
    "DHL_PARCEL": "DHL",
    "DHL_EXPRESS": "DHL",
    "DHL_SAME_DAY": "DHL",
    "DHL_ECOMMERCE": "DHL",
    "DHL_FOR_YOU": "DHLFORYOU",
    "DHL_PAKET": "DHL_DE",
    "DHL_PAKET_INTERNATIONAL": "DHL_DE",
    "DHL_WARENPOST": "DHL_DE",
    "DHL_GLOBAL_MAIL": "DHL-GLOBAL-MAIL",
    "DPD": "DPD-NL",
    "DPD_EXPRESS": "DPD-NL",
    "DPD_LOCAL": "DPD-NL",
    "DPD_PREDICT": "DPD-NL",
    "BPOST": "BPOST_BE",
    "BPOST_INTERNATIONAL": "BPOST_BE",
    "GLS": "GLS",
    "GLS_EXPRESS": "GLS",
    "UPS": "UPS",
    "UPS_EXPRESS": "UPS",
    "FEDEX": "FEDEX_NL",
    "FEDEX_EXPRESS": "FEDEX_NL",
    "DYNALOGIC": "DYL",
    "TSN": "TSN",
    "FIEGE": "FIEGE",
    "TRANSMISSION": "TRANSMISSION",
    "EIGEN_VERVOER": "COURIER",
}

# Where the parcel goes to another country than the Netherlands.
BY_COUNTRY = {
    ("BE", "DPD"): "DPD-BE",
    ("BE", "DPD_EXPRESS"): "DPD-BE",
    ("BE", "DPD_LOCAL"): "DPD-BE",
    ("BE", "DPD_PREDICT"): "DPD-BE",
    ("BE", "FEDEX"): "FEDEX_BE",
    ("BE", "FEDEX_EXPRESS"): "FEDEX_BE",
    ("DE", "DHL"): "DHL_DE",
}


def transporter_code(unified: str, country_code: str = "") -> str:
    """bol's code for a unified one; what bol has no code for travels as OTHER."""
    return BY_COUNTRY.get((country_code, unified)) or TRANSPORTERS.get(unified, OTHER)
