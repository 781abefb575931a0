"""The settings with the migration linter added: a tool of development, which the product doesn't load."""

from channable.settings import *  # noqa: F403
from channable.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
MIGRATION_LINTER_OPTIONS = {
    "ignore_initial_migrations": True,
    # They make a table and put it behind the wall: its unique keys are added while it is empty.
    "ignore_name": [
        "0002_transporter_rule",
        "0005_shop_notice",
        "0006_product_link",
        "0007_attachment",
        "0008_returns",
        "0009_finding",
    ],
}
