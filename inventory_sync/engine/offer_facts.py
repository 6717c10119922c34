"""What we know of one offer, gathered for a channel: its SKU's declarations, its category's, its last goods in, and the verdict of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Max

from inventory_sync.domain.ledger import MovementKind
from inventory_sync.domain.listing_changes import ChangeKind, FieldProblem, OfferFacts, Package
from inventory_sync.domain.snapshots import Fulfilment
from inventory_sync.engine.catalogue import ids_of
from inventory_sync.stock.models import StockMovement
from skumap.compliance import RecordReport, flipkart_labels, month_of_manufacture, supply_date
from skumap.judging import BY_MONTH, judge_offer, profile_of
from skumap.models import ChannelLocation, Listing
from skumap.services import components_of

SIDES = ("length", "breadth", "height")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An offer's facts; ``problems`` are named by fact (``mrp``, ``manufacturer``) or by field (``packages[0].weight``)."""

    facts: OfferFacts
    report: RecordReport
    problems: tuple[FieldProblem, ...]


def judge_facts(
    listing: Listing, *, kind: ChangeKind, price: Decimal | None, mrp: Decimal | None, now: datetime
) -> Judged:
    """
    The facts of a listing, stored or not, at a price and MRP, and all that the rules say against them.

    A price alone says nothing of the label: what the label lacks is then a warning.
    """
    profile = profile_of(listing)
    assert listing.sku_id is not None
    made = made_on([listing.sku_id]).get(listing.sku_id) if profile["mfg_rule"] == BY_MONTH else None
    record, report = judge_offer(listing, price=price, mrp=mrp, made=made, now=now)
    packages, unreadable = read_packages(profile["packages"])
    said: dict[str, dict[str, Any]] = flipkart_labels(record.label)
    address = {name: tuple(values) for name, values in said.get("address_label", {}).items()}
    dating = said.get("dating_label", {})
    facts = OfferFacts(
        ids=ids_of(listing),
        fulfilment=Fulfilment(listing.fulfilment),
        product_type=listing.product_type,
        price=price,
        mrp=mrp,
        hsn=report.hsn.send_as or "",
        tax_code=report.tax_code or "",
        manufacturer=address.get("manufacturer_details", ()),
        packer=address.get("packer_details", ()),
        importer=address.get("importer_details", ()),
        countries=address.get("countries_of_origin", ()),
        mfg_date=made if profile["mfg_rule"] == BY_MONTH else profile["mfg_date"],
        shelf_life_seconds=dating.get("shelf_life"),
        packages=packages,
        procurement_type=profile["procurement_type"] or "",
        shipping_provider=profile["shipping_provider"] or "",
        dispatch_days=profile["dispatch_days"],
        fee_local=profile["fee_local"],
        fee_zonal=profile["fee_zonal"],
        fee_national=profile["fee_national"],
        location_ids=_locations(listing) if kind is ChangeKind.CREATE else (),
    )
    problems = [_said(problem, kind) for problem in report.problems]
    return Judged(facts=facts, report=report, problems=(*problems, *(() if kind is ChangeKind.PRICE else unreadable)))


def _said(problem: Any, kind: ChangeKind) -> FieldProblem:
    of_label = problem.field.startswith("label.")
    return FieldProblem(
        field=problem.field.removeprefix("label."),
        code=problem.code,
        message=problem.message,
        blocks=problem.blocks and not (of_label and kind is ChangeKind.PRICE),
    )


def made_on(sku_ids: Sequence[int]) -> dict[int, date]:
    """
    The first of the month, in India, of each SKU's last goods in; SKUs that never came in are missing.

    A combo is as old as its oldest part.
    """
    parts = components_of(sku_ids)
    wanted = {part for of_kit in parts.values() for part in of_kit}
    rows = StockMovement.objects.filter(sku_id__in=wanted, kind=MovementKind.RECEIVE.value).order_by()
    last = dict(rows.values_list("sku_id").annotate(last=Max("occurred_at")))
    found = {}
    for sku_id, of_kit in parts.items():
        moments = [last[part] for part in of_kit if part in last]
        if moments and len(moments) == len(of_kit):
            day = supply_date(min(moments))
            found[sku_id] = month_of_manufacture(day.year, day.month)
    return found


def read_packages(given: Any) -> tuple[tuple[Package, ...], tuple[FieldProblem, ...]]:
    """Packages as a profile holds them, numbers as people type them; what can't be read is a problem of its field."""
    packages, problems = [], []
    for index, entry in enumerate(given if isinstance(given, list) else []):
        where = f"packages[{index}]"
        if not isinstance(entry, Mapping):
            problems.append(FieldProblem(field=where, code="not_readable", message="A package is named fields."))
            continue
        numbers: dict[str, Decimal | None] = {}
        for name in (*SIDES, "weight", "notional_value"):
            value = entry.get(name)
            numbers[name] = _decimal(value)
            if numbers[name] is None and value not in (None, ""):
                words = f"The package's {name.replace('_', ' ')} “{str(value)[:40]}” is no number."
                problems.append(FieldProblem(field=_field(where, name), code="not_a_number", message=words))
        packages.append(
            Package(
                name=str(entry.get("name") or "").strip(),
                description=str(entry.get("description") or "").strip(),
                fragile=entry.get("fragile") in (True, 1, "true", "yes"),
                **numbers,
            )
        )
    return tuple(packages), tuple(problems)


def _field(where: str, name: str) -> str:
    if name in SIDES:
        return f"{where}.dimensions.{name}"
    return f"{where}.notional_value.amount" if name == "notional_value" else f"{where}.{name}"


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 10 else None


def _locations(listing: Listing) -> tuple[str, ...]:
    """Locations of the account that a new listing sells from: ours, in use, and served by a warehouse."""
    rows = ChannelLocation.objects.filter(
        account=listing.account, active=True, managed=True, warehouse_links__isnull=False
    )
    return tuple(rows.order_by("external_id").values_list("external_id", flat=True).distinct())
