"""What a merchant fills in to connect a WooCommerce shop."""

from __future__ import annotations

from ..base import Field

CREDENTIALS = (
    Field("shop_url", "Address of the shop", "For example https://www.example.com."),
    Field(
        "consumer_key",
        "Consumer key",
        "WooCommerce > Settings > Advanced > REST API, permissions Read/Write. Starts with ck_.",
        is_secret=True,
    ),
    Field("consumer_secret", "Consumer secret", "Shown once, beside the key. Starts with cs_.", is_secret=True),
)

SETTINGS = (
    Field(
        "product_field",
        "Products are found by",
        "What the product id on the marketplace is in the shop.",
        is_required=False,
        default="sku",
        choices=(("sku", "SKU"), ("id", "Product or variation id")),
    ),
    Field(
        "completed_statuses",
        "Also shipped",
        "Statuses of your own that mean the order was sent, e.g. shipped, picked-up.",
        is_required=False,
    ),
    Field(
        "cancelled_statuses",
        "Also cancelled",
        "Statuses of your own that mean the order will not be sent.",
        is_required=False,
    ),
    Field(
        "tracking_meta_keys",
        "Order fields with a tracking code",
        "For shipping plugins that keep the code in an order field of their own; separated by commas.",
        is_required=False,
        default="_tracking_number",
    ),
    Field(
        "vat_rate",
        "VAT in marketplace prices, in %",
        "Leave empty to use the shop's own tax rates. Needed where the key may not read the tax settings.",
        is_required=False,
    ),
    Field(
        "auth_method",
        "How the keys are sent",
        "Choose query string if the host removes the Authorization header.",
        is_required=False,
        default="auto",
        choices=(
            ("auto", "Automatic: header with HTTPS, signature without"),
            ("basic", "Header"),
            ("query", "Query string"),
            ("oauth", "Signature (OAuth 1.0a)"),
        ),
    ),
    Field(
        "permalinks",
        "Permalinks of the shop",
        "",
        is_required=False,
        default="auto",
        choices=(("auto", "Find out"), ("pretty", "Any but plain"), ("plain", "Plain")),
    ),
)
