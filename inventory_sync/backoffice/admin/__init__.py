"""Every admin class, one file for each part of the menu. Imported by Django's autodiscovery."""

from inventory_sync.backoffice.admin import (
    accounts,
    alerts,
    api,
    auth,
    compliance,
    engine,
    listing_changes,
    listings,
    locations,
    measured,
    orders,
    quantities,
    rules,
    schedule,
    skus,
    stock,
)

__all__ = [
    "accounts",
    "alerts",
    "api",
    "auth",
    "compliance",
    "engine",
    "listing_changes",
    "listings",
    "locations",
    "measured",
    "orders",
    "quantities",
    "rules",
    "schedule",
    "skus",
    "stock",
]
