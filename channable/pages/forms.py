"""Forms of the set-up pages."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.services.sample_orders import PLACES, Wanted


class TestOrderForm(forms.Form):
    product_id = forms.CharField(
        label=_("Product"), max_length=200, help_text=_("The id or SKU of a product that the shop has.")
    )
    quantity = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=1000, initial=1)
    unit_price = forms.DecimalField(
        label=_("Price of a piece in EUR, VAT included"),
        min_value=Decimal("0.01"),
        max_value=Decimal(100_000),
        decimal_places=2,
        initial=Decimal("9.99"),
    )
    country_code = forms.ChoiceField(label=_("Ship to"), choices=[(code, code) for code in sorted(PLACES)])

    @property
    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)
