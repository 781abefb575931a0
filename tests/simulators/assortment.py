"""What the demo sells and to whom: made up, but as varied as a real day."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Product:
    sku: str
    ean: str
    title: str
    price: Decimal  # EUR with VAT
    stock: int


PRODUCTS = (
    Product("MUG-WHITE-350", "8710001000017", "Stoneware mug, white, 350 ml", Decimal("12.95"), 5000),
    Product("MUG-BLUE-350", "8710001000024", "Stoneware mug, blue, 350 ml", Decimal("12.95"), 5000),
    Product("TEAPOT-1L", "8710001000031", "Teapot with strainer, 1 litre", Decimal("34.50"), 2000),
    Product("LAMP-DESK-LED", "8710001000048", "LED desk lamp, dimmable", Decimal("59.99"), 2000),
    Product("BACKPACK-25L", "8710001000055", "Backpack, recycled, 25 litres", Decimal("74.95"), 2000),
    Product("SOCKS-WOOL-43", "8710001000062", "Wool socks, size 43-46, 2 pairs", Decimal("17.50"), 5000),
    Product("CABLE-USBC-2M", "8710001000079", "USB-C cable, braided, 2 m", Decimal("9.99"), 9000),
    Product("PUZZLE-1000-CANAL", "8710001000086", "Puzzle “Canal house”, 1000 pieces", Decimal("19.99"), 3000),
    Product("PLANT-MONSTERA", "8710001000093", "Monstera deliciosa, 60 cm", Decimal("27.95"), 2000),
    Product("BIKE-LIGHT-SET", "8710001000109", "Bicycle lights, front and rear", Decimal("22.49"), 5000),
)
# Sold at the marketplace and forgotten in the shop: its order shows what an error looks like.
UNKNOWN = Product("CANDLE-NEW", "8710001000994", "Scented candle, new this week", Decimal("14.95"), 0)

# (first name, surname, street, house number, extension, postcode, city, country)
PEOPLE = (
    ("Sanne", "de Vries", "Prinsengracht", "263", "", "1016 GV", "Amsterdam", "NL"),
    ("Daan", "van den Berg", "Oudegracht", "12", "A", "3511 AB", "Utrecht", "NL"),
    ("Fatima", "El Amrani", "Witte de Withstraat", "88", "", "3012 BS", "Rotterdam", "NL"),
    ("Jip", "Jansen", "Vismarkt", "5", "bis", "9711 KV", "Groningen", "NL"),
    ("Noor", "Bakker", "Stratumseind", "31", "", "5611 EN", "Eindhoven", "NL"),
    ("Zoë", "Hermans", "Brusselsestraat", "44", "", "6211 PG", "Maastricht", "NL"),
    ("Lars", "Visser", "Korte Poten", "9", "2", "2511 EB", "Den Haag", "NL"),
    ("Özlem", "Öztürk", "Grote Markt", "17", "", "2011 RD", "Haarlem", "NL"),
    ("Emma", "Peeters", "Meir", "50", "", "2000", "Antwerpen", "BE"),
    ("Lucas", "Maes", "Veldstraat", "7", "bus 3", "9000", "Gent", "BE"),
    ("Amélie", "Dubois", "Rue Neuve", "111", "", "1000", "Brussel", "BE"),
    ("Wout", "Claes", "Bondgenotenlaan", "20", "", "3000", "Leuven", "BE"),
)


def customer(chance: random.Random) -> dict[str, Any]:
    """One person's `shipmentDetails`, in the marketplace's own form."""
    first, last, street, number, extension, postcode, city, country = chance.choice(PEOPLE)
    details = {
        "salutation": chance.choice(["MALE", "FEMALE", "UNKNOWN"]),
        "firstName": first,
        "surname": last,
        "streetName": street,
        "houseNumber": number,
        "zipCode": postcode,
        "city": city,
        "countryCode": country,
        "email": f"{chance.randrange(16**8):08x}@verkopen.example",  # a relay address, as marketplaces give
        "language": "nl",
    }
    return details | ({"houseNumberExtension": extension} if extension else {})


def basket(chance: random.Random) -> list[tuple[Product, int]]:
    """Mostly one product once; now and then more."""
    count = chance.choices([1, 2, 3], [70, 22, 8])[0]
    products = chance.sample(PRODUCTS, count)
    return [(product, chance.choices([1, 2, 4], [80, 15, 5])[0]) for product in products]


def tracking_code(chance: random.Random) -> tuple[str, str]:
    """A code and the provider as WooCommerce's tracking extension calls it."""
    digits = "".join(chance.choices("0123456789", k=9))
    return chance.choice([(f"3SABCD{digits}", "postnl"), (f"JVGL{digits}00", "dhl"), (f"0534{digits}0", "dpd")])
