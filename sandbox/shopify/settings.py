"""The switches of one sandbox shop, and their defaults. Durations are seconds of marketplace time (divided by the clock factor)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

PLANS = {"standard": 100, "advanced": 200, "plus": 1000, "enterprise": 2000}  # points a second; the bucket holds 20 x
API_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")  # oldest supported first
SHOP_STATES = ("open", "frozen", "forbidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this shop behaves where the contract leaves a choice."""

    # access
    shop_state: str = "open"  # "frozen" answers 402, "forbidden" 403
    same_organization: bool = True  # False: client credentials answer shop_not_permitted
    installed: bool = True  # False: app_not_installed, every token dead
    client_credentials_seconds: float = 86399
    offline_token_seconds: float = 3600
    refresh_token_seconds: float = 90 * 86400

    # transport
    plan: str = "standard"
    fall_forward_to: str | None = None  # serve this version whatever was asked for
    answer_seconds: tuple[float, float] = (0.0, 0.0)  # each answer is held back so long (the write is done at once)

    # stock
    silent_set_on_inactive: bool = False  # a set on a never-activated level: no userErrors, nothing written
    test_orders_move_stock: bool = False
    search_index_lag_seconds: float = 2.0

    # webhooks
    allow_http_webhooks: bool = True  # the real one refuses http://; loopback has no certificate
    webhook_api_version: str = "2026-10"
    webhook_delay_seconds: tuple[float, float] = (1.0, 5.0)
    webhook_id_changes_on_retry: bool = False

    # bulk operations
    bulk_seconds: tuple[float, float] = (1.0, 3.0)

    def changed(self, values: Mapping[str, Any]) -> Settings:
        """
        These settings with ``values`` in place.

        :raises ValueError: an unknown setting, or a value that the setting does not take.
        """
        known = {field.name for field in fields(self)}
        if unknown := values.keys() - known:
            raise ValueError(f"unknown settings {sorted(unknown)}; known: {sorted(known)}")
        ranges = {"answer_seconds", "webhook_delay_seconds", "bulk_seconds"}
        taken: dict[str, Any] = {name: tuple(value) if name in ranges else value for name, value in values.items()}
        settings = replace(self, **taken)
        for name in ranges:
            low, high = getattr(settings, name)
            if not 0 <= low <= high:
                raise ValueError(f"{name} must be [lowest, highest] seconds")
        if settings.plan not in PLANS:
            raise ValueError(f"unknown plan {settings.plan!r}; known: {sorted(PLANS)}")
        if settings.shop_state not in SHOP_STATES:
            raise ValueError(f"unknown shop_state {settings.shop_state!r}; known: {list(SHOP_STATES)}")
        return settings
