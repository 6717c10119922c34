"""Forms of the pages that ask before something is done. Every stock form carries a key of its own: sent twice, it counts once."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from inventory_sync.backoffice.imports import AUTO, FORMAT_CHOICES
from inventory_sync.engine.withdrawals import WhenShort
from inventory_sync.stock.models import StockBalance, Warehouse
from skumap.models import ChannelAccount, Listing, Sku

MOST_UNITS = 1_000_000


def _units(label: str, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, max_value=MOST_UNITS, widget=UnfoldAdminIntegerFieldWidget(), **options)


def _warehouses(label: str, **filters: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        label=label,
        queryset=Warehouse.objects.filter(active=True, **filters),
        widget=UnfoldAdminSelectWidget(),
        empty_label="Choose a warehouse",
    )


class StockForm(forms.Form):
    """Which SKU, where, how many, why."""

    key = forms.UUIDField(widget=forms.HiddenInput(), initial=uuid.uuid4)
    sku = forms.ModelChoiceField(label="SKU", queryset=Sku.objects.filter(components__isnull=True))
    warehouse = _warehouses("Warehouse", kind=Warehouse.Kind.OWN)
    reason = forms.CharField(label="Note", max_length=200, required=False, widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, site: AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["sku"]
        field.widget = AutocompleteSelect(StockBalance._meta.get_field("sku"), site)
        field.widget.choices = field.choices  # type: ignore[attr-defined]
        field.help_text = "A combo has no stock of its own: choose its parts."
        self.order_fields(["key", "sku", "warehouse", "to_warehouse", "units", "counted", "when_short", "reason"])


class GoodsInForm(StockForm):
    units = _units("Units received", min_value=1)
    reason = forms.CharField(
        label="GRN number or note", max_length=200, required=False, widget=UnfoldAdminTextInputWidget()
    )


class CorrectionForm(StockForm):
    units = _units("Units, up or down", min_value=-MOST_UNITS, help_text="5 adds five, -5 takes five away.")
    reason = forms.CharField(label="Why", max_length=200, widget=UnfoldAdminTextInputWidget())


class CountForm(StockForm):
    counted = _units(
        "Units counted", min_value=0, help_text="Everything on the shelf, units blocked for orders included."
    )


class TakeOutForm(StockForm):
    """Stock that leaves on purpose: what to do with units that listings still offer."""

    when_short = forms.ChoiceField(
        label="If listings still offer them",
        choices=(
            (WhenShort.ASK.value, "Do nothing and tell me"),
            (WhenShort.WAIT.value, "Set them aside, lower the listings, then take them (recommended)"),
            (WhenShort.FORCE.value, "Take them now, at the risk of cancelled orders"),
        ),
        initial=WhenShort.ASK.value,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )


class TransferForm(TakeOutForm):
    warehouse = _warehouses("From")
    to_warehouse = _warehouses("To")
    units = _units("Units", min_value=1)


class OfflineSaleForm(TakeOutForm):
    units = _units("Units sold", min_value=1)
    reason = forms.CharField(
        label="Bill number or note", max_length=200, required=False, widget=UnfoldAdminTextInputWidget()
    )


class InspectForm(StockForm):
    units = _units("Units to inspect", min_value=1, help_text="They are off sale until somebody has looked at them.")


class RestockForm(StockForm):
    warehouse = _warehouses("From", kind__in=[Warehouse.Kind.QC, Warehouse.Kind.BAD])
    to_warehouse = _warehouses("To", kind=Warehouse.Kind.OWN)
    units = _units("Units that are good", min_value=1)


class WriteOffForm(StockForm):
    warehouse = _warehouses("From")
    units = _units("Units damaged or lost", min_value=1)
    reason = forms.CharField(label="Why", max_length=200, widget=UnfoldAdminTextInputWidget())


class LinkForm(forms.Form):
    """Which SKU a listing is, and how many of it one sale takes."""

    sku = forms.ModelChoiceField(label="SKU", queryset=Sku.objects.all())
    units_per_sale = forms.IntegerField(
        label="Pack of",
        min_value=1,
        max_value=1000,
        initial=1,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="How many of the SKU one sold unit takes from stock.",
    )
    begins = forms.ChoiceField(
        label="When does this begin?",
        choices=(
            ("now", "From now on: orders placed until now keep what they blocked"),
            ("since", "It was wrong before: move the stock of orders placed since …"),
        ),
        initial="now",
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    since = forms.SplitDateTimeField(
        label="… this moment", required=False, widget=UnfoldAdminSplitDateTimeWidget(), help_text="Indian time."
    )
    reason = forms.CharField(label="Note", max_length=200, required=False, widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, site: AdminSite, relink: bool = False, **kwargs: Any) -> None:
        """:param relink: the listing is linked already, so that it matters since when the new link is right."""
        super().__init__(*args, **kwargs)
        field = self.fields["sku"]
        field.widget = AutocompleteSelect(Listing._meta.get_field("sku"), site)
        field.widget.choices = field.choices  # type: ignore[attr-defined]
        if not relink:
            del self.fields["begins"], self.fields["since"]

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or {}
        if facts.get("begins") == "since":
            since = facts.get("since")
            if since is None:
                self.add_error("since", "Since when was it wrong?")
            elif since > timezone.now():
                self.add_error("since", "That is in the future.")
        return facts


class ComboForm(forms.Form):
    """The code of a new combo and its parts."""

    PARTS = 5

    code = forms.CharField(label="Code of the combo", max_length=80, widget=UnfoldAdminTextInputWidget())
    title = forms.CharField(max_length=300, required=False, widget=UnfoldAdminTextInputWidget())

    def __init__(self, *args: Any, site: AdminSite, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, self.PARTS + 1):
            part = forms.ModelChoiceField(
                label=f"Part {number}", queryset=Sku.objects.filter(components__isnull=True), required=number == 1
            )
            part.widget = AutocompleteSelect(Listing._meta.get_field("sku"), site)
            part.widget.choices = part.choices
            self.fields[f"part_{number}"] = part
            self.fields[f"units_{number}"] = _units("Units", min_value=1, initial=1, required=False)

    def clean(self) -> dict[str, Any]:
        """``parts``: SKU -> units."""
        facts = super().clean() or {}
        parts: dict[Sku, int] = {}
        for number in range(1, self.PARTS + 1):
            sku = facts.get(f"part_{number}")
            if sku is None:
                continue
            if sku in parts:
                self.add_error(f"part_{number}", "This SKU stands above already: give its units there.")
            parts[sku] = facts.get(f"units_{number}") or 1
        return {**facts, "parts": parts}


class HazardForm(forms.Form):
    """Which of a listing's warnings is meant."""

    hazard = forms.ChoiceField(label="Warning", widget=UnfoldAdminSelectWidget())

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hazard"].choices = choices  # type: ignore[attr-defined]


class IgnoreForm(forms.Form):
    other_goods = forms.BooleanField(
        label="It sells other goods than ours",
        required=False,
        help_text="Tick this if it looks like a SKU of ours but sells other stock. Without it, listings of that SKU wait while this one shows stock.",
        widget=UnfoldBooleanSwitchWidget(),
    )


class SaleStartForm(forms.Form):
    name = forms.CharField(label="Name", max_length=80, initial="Sale", widget=UnfoldAdminTextInputWidget())
    hours = forms.DecimalField(
        label="For how many hours",
        min_value=0,
        max_value=240,
        max_digits=5,
        decimal_places=2,
        initial=4,
        widget=UnfoldAdminDecimalFieldWidget(),
    )

    lift = forms.FloatField(
        label="Sells so many times as fast as usual",
        help_text="Big sales: 5 to 10. Rather too much than too little.",
        min_value=1,
        max_value=1000,
        initial=10,
        widget=UnfoldAdminDecimalFieldWidget(),
    )

    def clean_hours(self) -> float:
        hours = self.cleaned_data["hours"]
        if hours <= 0:
            raise forms.ValidationError("It must last longer than 0 hours.")
        return float(hours)


class UploadForm(forms.Form):
    """A file to import. What is right in it shows in the preview."""

    file = forms.FileField(
        label="File",
        help_text="CSV, tab-separated text or Excel (.xlsx), up to 256 MB.",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        error_messages={"empty": "The file is empty.", "required": "Choose a file."},
    )
    format = forms.ChoiceField(
        label="What kind of file it is", choices=FORMAT_CHOICES, initial=AUTO, widget=UnfoldAdminSelectWidget()
    )
    account = forms.ModelChoiceField(
        label="Seller account",
        queryset=ChannelAccount.objects.defer("credentials").order_by("channel", "name"),
        required=False,
        empty_label="None: my own SKUs or combos",
        help_text="For a mapping whose rows don't name the account.",
        widget=UnfoldAdminSelectWidget(),
    )
