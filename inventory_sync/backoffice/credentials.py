"""Which credentials each channel wants, and how little of them is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inventory_sync.domain.snapshots import Channel

REMOVE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One secret: the name that the channel package reads, and what staff read."""

    name: str
    label: str
    hint: str = ""


CREDENTIAL_FIELDS: Mapping[str, tuple[CredentialField, ...]] = {
    Channel.FLIPKART: (
        CredentialField(name="client_id", label="Application ID"),
        CredentialField(name="client_secret", label="Application secret"),
        CredentialField(name="refresh_token", label="Refresh token", hint="Only for a third-party application."),
    ),
    Channel.SHOPIFY: (
        CredentialField(name="client_id", label="Client ID"),
        CredentialField(name="client_secret", label="Client secret", hint="Also signs the shop's notifications."),
        CredentialField(
            name="access_token", label="Access token", hint="Only for a custom app with a token that does not end."
        ),
        CredentialField(
            name="webhook_secrets",
            label="Notification secrets",
            hint="Only if they differ from the client secret; several with commas between them.",
        ),
    ),
    Channel.AMAZON: (
        CredentialField(name="client_id", label="LWA client ID"),
        CredentialField(name="client_secret", label="LWA client secret"),
        CredentialField(name="refresh_token", label="Refresh token"),
        CredentialField(name="application_id", label="Application ID", hint="Only to authorize in the browser."),
        CredentialField(name="aws_access_key_id", label="AWS access key ID", hint="For the notification queue (SQS)."),
        CredentialField(
            name="aws_secret_access_key", label="AWS secret access key", hint="For the notification queue (SQS)."
        ),
    ),
}


def masked(secret: str) -> str:
    """The last four characters, and nothing at all of a short secret."""
    return f"…{secret[-4:]}" if len(secret) >= 12 else "…"


def with_changes(stored: Mapping[str, str], typed: Mapping[str, str]) -> dict[str, str]:
    """Credentials after a form: what was left empty stays, ``-`` removes, anything else replaces."""
    changed = {name: value.strip() for name, value in typed.items() if value.strip()}
    kept = {name: value for name, value in {**stored, **changed}.items() if value != REMOVE}
    return dict(kept)
