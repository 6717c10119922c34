"""Who may do what: three roles (groups) to start with. Staff may change them, or make others, under "Staff roles"."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

_STOCK = (
    "stock.view_*",
    "skumap.view_sku",
    "skumap.view_kitcomponent",
    "skumap.view_category",
    "skumap.view_skuprofile",
    "skumap.view_gstrate",
    "skumap.view_hsncode",
    "skumap.view_gststate",
    "alerts.view_alert",
    "orders.view_*",
)
_WAREHOUSE = (
    *_STOCK,
    "skumap.view_listing",
    "skumap.view_listinglink",
    "skumap.view_matchcandidate",
    "skumap.view_linkaudit",
    "skumap.view_channelaccount",
    "skumap.view_channellocation",
    "engine.view_listingstate",
    "engine.view_saleevent",
    "stock.add_stockmovement",
    "stock.change_transferproposal",
    "skumap.change_listing",
    "alerts.change_alert",
)
_MANAGER = (
    *_WAREHOUSE,
    "engine.view_*",
    "engine.add_importrun",
    "engine.delete_columnmapping",
    "skumap.*_sku",
    "skumap.*_kitcomponent",
    "skumap.*_category",
    "skumap.*_skuprofile",
    "skumap.*_channelaccount",
    "skumap.*_channellocation",
    "stock.*_warehouse",
    "stock.*_locationlink",
    "engine.*_stockrule",
    "engine.*_saleevent",
    "engine.*_listingchange",
    "engine.change_webhookdelivery",
    "engine.change_synccursor",
    "stock.change_correctionproposal",
)

ROLES: Mapping[str, tuple[str, ...]] = {
    "Warehouse staff": _WAREHOUSE,
    "Operations manager": _MANAGER,
    "Finance (read only)": _STOCK,
}


def create_roles(*, using: str = DEFAULT_DB_ALIAS, reset: bool = False) -> list[str]:
    """
    Make the roles that are missing.

    :param reset: give the existing ones their first permissions back, too.
    :return: names of the roles that were made or reset.
    """
    done = []
    for name, patterns in ROLES.items():
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new or reset:
            group.permissions.set(_permissions(patterns, using=using))
            done.append(name)
    return done


def _permissions(patterns: tuple[str, ...], *, using: str) -> list[Permission]:
    """``app.verb_model``; verb or model may be ``*``."""
    wanted = Q()
    for pattern in patterns:
        app, _, codename = pattern.partition(".")
        verb, _, model = codename.partition("_")
        clause = Q(content_type__app_label=app)
        if model != "*":
            clause &= Q(content_type__model=model)
        if verb != "*":
            clause &= Q(codename__startswith=f"{verb}_")
        wanted |= clause
    return list(Permission.objects.using(using).filter(wanted))
