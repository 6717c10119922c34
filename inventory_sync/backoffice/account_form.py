"""The form of a seller account: credentials go in and never come out, settings are checked against what the channel knows."""

from __future__ import annotations

import difflib
from typing import Any

from django import forms
from django.conf import settings as django_settings
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from inventory_sync.backoffice.credentials import CREDENTIAL_FIELDS, REMOVE, masked, with_changes
from inventory_sync.domain.errors import SetupError
from inventory_sync.engine.accounts import ENGINE_DEFAULTS, adapter_class
from inventory_sync.http.safety import check_base_url
from skumap.models import ChannelAccount

PREFIX = "credential_"
LABELS = {"identity": "Shop domain or seller ID"}


def field_names(channel: str) -> list[str]:
    """Names of the form's credential fields for one channel."""
    return [f"{PREFIX}{field.name}" for field in CREDENTIAL_FIELDS.get(channel, ())]


def known_settings(channel: str) -> dict[str, Any]:
    """Every setting that an account of this channel may have, with its default."""
    return {**ENGINE_DEFAULTS, **adapter_class(channel).defaults}


def _address(label: str, help_text: str) -> forms.URLField:
    return forms.URLField(
        label=label,
        max_length=300,
        required=False,
        assume_scheme="https",
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
    )


class NewAccountForm(forms.ModelForm):
    """Step one: which channel, which name. Credentials come next, since each channel wants its own."""

    api_base = _address("API address", "Leave empty for the channel's own.")
    auth_base = _address("Token address", "Where tokens come from. Leave empty for the channel's own.")

    class Meta:
        model = ChannelAccount
        fields = ("channel", "name", "identity", "api_base", "auth_base")
        labels = LABELS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channel = self.fields.get("channel")
        if isinstance(channel, forms.ChoiceField):
            channel.choices = [("", "Choose a channel"), *ChannelAccount.channel.field.flatchoices]

    def clean_api_base(self) -> str:
        return _base(self.cleaned_data["api_base"])

    def clean_auth_base(self) -> str:
        return _base(self.cleaned_data["auth_base"])


def _base(url: str) -> str:
    if not url:
        return ""
    try:
        return check_base_url(url, allow_private_hosts=django_settings.ALLOW_PRIVATE_HOSTS)
    except SetupError as error:
        raise forms.ValidationError(f"{error.message[:1].upper()}{error.message[1:]}.") from error


class AccountForm(NewAccountForm):
    """Step two, and every change after it."""

    class Meta:
        model = ChannelAccount
        fields = ("name", "identity", "api_base", "auth_base", "settings")
        labels = LABELS
        widgets = {"settings": UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.credentials or {}
        for field in CREDENTIAL_FIELDS.get(self.instance.channel, ()):
            has_one = bool(stored.get(field.name))
            state = (
                f"Stored, ends in {masked(stored[field.name])}. Leave empty to keep it, type {REMOVE} to remove it."
                if has_one
                else ""
            )
            self.fields[f"{PREFIX}{field.name}"] = forms.CharField(
                label=field.label,
                required=False,
                strip=True,
                widget=UnfoldAdminPasswordWidget(
                    render_value=False,
                    attrs={"autocomplete": "new-password", "placeholder": "stored" if has_one else "not set"},
                ),
                help_text=" ".join(part for part in (field.hint, state) if part),
            )

    def clean_settings(self) -> dict[str, Any]:
        value = self.cleaned_data["settings"] or {}
        if not isinstance(value, dict):
            raise forms.ValidationError('Settings are written as {"name": value}.')
        known = known_settings(self.instance.channel)
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f" Did you mean “{near[0]}”?" if near else ""
                raise forms.ValidationError(f"{self.instance.get_channel_display()} has no setting “{name}”.{hint}")
        return value

    def credentials(self) -> dict[str, str]:
        """The account's credentials after this form."""
        typed = {
            name.removeprefix(PREFIX): self.cleaned_data.get(name, "")
            for name in self.fields
            if name.startswith(PREFIX)
        }
        return with_changes(self.instance.credentials or {}, typed)
