"""Listings: payload <-> listing, quantity and outcome. Pure. Contract, section 8."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from channels_amazon.mapping import LOCATION
from channels_amazon.settings import MOST_FEED_MESSAGES
from channels_amazon.values import Payload, count, decimal, exact, objects, part, text
from inventory_sync.domain.ports import PushOutcome, PushResult, StockUpdate
from inventory_sync.domain.snapshots import Fulfilment, ListingIds, ListingSnapshot, LocationQuantity

logger = logging.getLogger(__name__)

MERCHANT_CODE = "DEFAULT"
FBA_PREFIX = "AMAZON"  # AMAZON_IN and its like
WRITABLE = frozenset({Fulfilment.MFN, Fulfilment.EASY_SHIP, Fulfilment.SELF_SHIP})
READ_STOCK = ("summaries", "fulfillmentAvailability", "issues")
READ_LISTING = ("summaries", "offers", "fulfillmentAvailability", "issues")
_SUPPRESSED = frozenset({"LISTING_SUPPRESSED", "CATALOG_ITEM_REMOVED"})


# --- reading ------------------------------------------------------------------------------------------------------------------------


def quantities_of(item: Payload) -> dict[str, int | None] | None:
    """Channel code -> quantity (None: not said). None when the item does not tell its channels at all."""
    channels = item.get("fulfillmentAvailability")
    if not isinstance(channels, list):
        return None
    return {
        code: count(each.get("quantity"))
        for each in objects(channels)
        if (code := text(each.get("fulfillmentChannelCode")))
    }


def fulfilment_of(codes: Iterable[str] | None) -> Fulfilment:
    """Any ``AMAZON_*`` code makes it FBA, also beside ``DEFAULT`` (a quantity once pushed to an FBA SKU leaves that behind, section 8.3)."""
    known = [code.upper() for code in codes or ()]
    if any(code.startswith(FBA_PREFIX) for code in known):
        return Fulfilment.FBA
    return Fulfilment.MFN if MERCHANT_CODE in known else Fulfilment.UNKNOWN


def is_active(item: Payload, *, marketplace_id: str) -> bool | None:
    """
    Whether the listing sells as soon as it has stock; None when the item does not say.

    A listing that has just sold out is not BUYABLE either: that alone does not make it inactive.
    """
    summary = summary_of(item, marketplace_id=marketplace_id)
    if not isinstance(summary.get("status"), list):
        return None
    status = [text(each) for each in summary["status"]]
    if "BUYABLE" in status:
        return True
    sold_out = (quantities_of(item) or {}).get(MERCHANT_CODE) == 0
    return sold_out and not any(
        text(action.get("action")) in _SUPPRESSED
        for issue in objects(item.get("issues"))
        for action in objects(part(issue, "enforcements").get("actions"))
    )


def summary_of(item: Payload, *, marketplace_id: str) -> Payload:
    """The item's summary in our marketplace; its only one where that names another; {} without any."""
    return _of_marketplace(item.get("summaries"), marketplace_id=marketplace_id, id_field="marketplaceId")


def read_item(item: Payload, *, marketplace_id: str) -> ListingSnapshot | None:
    """An ``Item`` of the listings model. None without a SKU."""
    sku = exact(item.get("sku"))
    if not sku:
        logger.warning("amazon: a listing without sku is left out")
        return None
    summary = summary_of(item, marketplace_id=marketplace_id)
    quantities = quantities_of(item)
    fulfilment = fulfilment_of(quantities)
    offer = _of_marketplace(item.get("offers"), marketplace_id=marketplace_id, id_field="marketplaceId")
    attributes = part(item, "attributes")
    return ListingSnapshot(
        ids=ListingIds(
            key=sku, seller_sku=sku, product_id=text(summary.get("asin")), listing_ref=text(summary.get("fnSku"))
        ),
        title=text(summary.get("itemName")),
        fulfilment=fulfilment,
        active=is_active(item, marketplace_id=marketplace_id) is not False,
        locations=_locations(fulfilment, (quantities or {}).get(MERCHANT_CODE)),
        price=decimal(part(offer, "price").get("amount")),
        mrp=_amount(attributes, "maximum_retail_price") or _mrp_of_offer(attributes),
        barcode=_barcode(attributes),
        hsn=_hsn(attributes),
        product_type=text(summary.get("productType")) or _product_type(item, marketplace_id=marketplace_id),
        attributes=_words(attributes) | _tax_code(attributes),
    )


def read_report_rows(rows: Iterable[Mapping[str, str]]) -> list[ListingSnapshot]:
    """
    Rows of GET_MERCHANT_LISTINGS_ALL_DATA, by header name in lower case with blanks. A SKU may stand in two rows, one for each channel.

    The report knows neither product type nor FNSKU. A fulfilment that it does not name is UNKNOWN, which is never written.
    """
    by_sku: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        sku = row.get("seller sku") or row.get("sku") or ""
        if sku:
            by_sku.setdefault(sku, []).append(row)
        else:
            logger.warning("amazon: a row of the listings report has no seller-sku")
    return [_listing_of_rows(sku, group) for sku, group in by_sku.items()]


def _listing_of_rows(sku: str, rows: Sequence[Mapping[str, str]]) -> ListingSnapshot:
    codes = {_report_code(row): row for row in rows}
    fulfilment = fulfilment_of(codes)
    row = codes.get(MERCHANT_CODE, rows[0])
    quantity = count(row.get("quantity")) if _report_code(row) == MERCHANT_CODE else None
    status = (row.get("status") or "").strip().lower()
    return ListingSnapshot(
        ids=ListingIds(
            key=sku,
            seller_sku=sku,
            product_id=(row.get("asin1") or row.get("asin") or row.get("product id") or "").strip(),
        ),
        title=(row.get("item name") or "").strip(),
        fulfilment=fulfilment,
        active=status in ("", "active") or quantity == 0,
        locations=_locations(fulfilment, quantity),
        price=decimal(row.get("price")),
    )


def _report_code(row: Mapping[str, str]) -> str:
    code = (row.get("fulfillment channel") or row.get("fulfilment channel") or "").strip().upper()
    return MERCHANT_CODE if code.startswith("MERCHANT") else code


def _locations(fulfilment: Fulfilment, quantity: int | None) -> tuple[LocationQuantity, ...]:
    return (LocationQuantity(location_id=LOCATION, quantity=quantity),) if fulfilment in WRITABLE else ()


def _of_marketplace(rows: Any, *, marketplace_id: str, id_field: str) -> Payload:
    """The row of our marketplace; one of unknown or another marketplace only where it stands alone."""
    found = objects(rows)
    ours = [row for row in found if text(row.get(id_field)) == marketplace_id]
    if ours:
        return ours[0]
    return found[0] if len(found) == 1 else {}


def _product_type(item: Payload, *, marketplace_id: str) -> str:
    types = _of_marketplace(item.get("productTypes"), marketplace_id=marketplace_id, id_field="marketplaceId")
    return text(types.get("productType"))


def _amount(attributes: Payload, name: str) -> Decimal | None:
    for each in objects(attributes.get(name)):
        found = decimal(each.get("value_with_tax")) or decimal(each.get("value"))
        if found is not None:
            return found
    return None


def _mrp_of_offer(attributes: Payload) -> Decimal | None:
    offers = objects(attributes.get("purchasable_offer"))
    prices = (price for offer in offers for price in objects(offer.get("maximum_retail_price")))
    amounts = (decimal(each.get("value_with_tax")) for price in prices for each in objects(price.get("schedule")))
    return next((amount for amount in amounts if amount is not None), None)


def _tax_code(attributes: Payload) -> dict[str, str]:
    code = next((text(each.get("value")) for each in objects(attributes.get("product_tax_code"))), "")
    return {"tax_code": code} if code else {}


def _barcode(attributes: Payload) -> str:
    for each in objects(attributes.get("externally_assigned_product_identifier")):
        if text(each.get("type")).lower() in ("ean", "upc", "gtin", "isbn"):
            return text(each.get("value"))
    return ""


def _words(attributes: Payload) -> dict[str, str]:
    """What a person tells variants apart by, and the SKU of the parent that they share."""
    found = {name: _value(attributes, name) for name in ("brand", "color", "size", "number_of_items", "model_number")}
    for each in objects(attributes.get("child_parent_sku_relationship")):
        found["parent_sku"] = text(each.get("parent_sku"))
    return {name: word for name, word in found.items() if word}


def _value(attributes: Payload, name: str) -> str:
    """The value of an attribute; where it is a list of sizes or the like, the first."""
    for each in objects(attributes.get(name)):
        value = each.get("value") or each.get("size")
        if value not in (None, ""):
            return str(value)
    return ""


def _hsn(attributes: Payload) -> str:
    for each in objects(attributes.get("external_product_information")):
        if "hsn" in text(each.get("entity")).lower():
            return text(each.get("value"))
    return ""


# --- writing ------------------------------------------------------------------------------------------------------------------------


def why_not_writable(update: StockUpdate) -> str:
    """Why a quantity must not be sent; "" if it may. The last guard before Amazon (contract, sections 0.6 and 8.3)."""
    row = update.row
    if row.fulfilment not in WRITABLE:
        return f"a listing with fulfilment {row.fulfilment} is not ours to write"
    if row.location_id != LOCATION:
        return f"Amazon has one merchant quantity, {LOCATION}, and none at {row.location_id!r}"
    if not row.listing.key:
        return "the listing has no seller SKU"
    if update.quantity < 0:
        return "a quantity can't be below 0"
    return ""


def quantity_patch(update: StockUpdate, *, fallback_product_type: str) -> dict[str, Any]:
    """
    The body of the one write that there is: merge the merchant quantity.

    ``merge`` keeps what it does not name; every other operation wipes handling time and restock date (contract, section 8.2).
    """
    return {
        "productType": update.row.product_type or fallback_product_type,
        "patches": [
            {
                "op": "merge",
                "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": MERCHANT_CODE, "quantity": update.quantity}],
            }
        ],
    }


def feed_body(
    updates: Sequence[StockUpdate], *, seller_id: str, locale: str, fallback_product_type: str
) -> dict[str, Any]:
    """A JSON_LISTINGS_FEED of quantities, message 1 for the first update. Each message is a merge, as a single write is."""
    if not 0 < len(updates) <= MOST_FEED_MESSAGES:
        raise ValueError(f"a feed holds 1 to {MOST_FEED_MESSAGES} messages")
    return {
        "header": {"sellerId": seller_id, "version": "2.0", "issueLocale": locale},
        "messages": [
            {
                "messageId": number,
                "sku": update.row.listing.key,
                "operationType": "PATCH",
                **quantity_patch(update, fallback_product_type=fallback_product_type),
            }
            for number, update in enumerate(updates, start=1)
        ],
    }


def outcome(update: StockUpdate, result: PushResult, **facts: Any) -> PushOutcome:
    """An outcome for one update; ``facts`` are fields of :class:`PushOutcome`, words cut to a sensible length."""
    for name in ("code", "message", "warning"):
        if name in facts:
            facts[name] = facts[name][:300]
    return PushOutcome(row_id=update.row.row_id, result=result, **facts)


def outcome_of_answer(update: StockUpdate, answer: Payload, *, request_id: str) -> PushOutcome:
    """
    What a 200 to a PATCH means: ACCEPTED is queued, INVALID is refused; an ERROR among the issues is a refusal too.

    A status that nobody listed leaves open what happened.
    """
    status, issues = text(answer.get("status")).upper(), objects(answer.get("issues"))
    failures = [issue for issue in issues if text(issue.get("severity")).upper() == "ERROR"]
    if status == "INVALID" or failures:
        worst = failures or issues
        return outcome(
            update,
            PushResult.REFUSED,
            code=text(worst[0].get("code")) if worst else status,
            message=issue_words(worst) or "Amazon says the submission is invalid",
            request_id=request_id,
            permanent=True,
        )
    if status == "ACCEPTED":
        return outcome(update, PushResult.ACCEPTED, warning=issue_words(issues), request_id=request_id)
    return outcome(
        update,
        PushResult.UNKNOWN,
        code=status,
        message=f"Amazon answered with status {status!r}",
        request_id=request_id,
    )


def issue_words(issues: Sequence[Payload]) -> str:
    return "; ".join(dict.fromkeys(filter(None, (text(issue.get("message")) for issue in issues))))


def outcomes_of_report(updates: Sequence[StockUpdate], report: Payload) -> list[PushOutcome]:
    """
    A feed's processing report as outcomes: accepted is what no ERROR issue names, by SKU or by message number.

    Accepted here is queued, as with a single write. A bad message does not hold back the others.
    """
    by_sku: dict[str, list[Payload]] = {}
    by_number: dict[int, list[Payload]] = {}
    general: list[Payload] = []
    for issue in objects(report.get("issues")):
        sku, number = exact(issue.get("sku")), count(issue.get("messageId"))
        if sku:
            by_sku.setdefault(sku, []).append(issue)
        elif number:
            by_number.setdefault(number, []).append(issue)
        else:
            general.append(issue)
    if any(text(issue.get("severity")).upper() == "ERROR" for issue in general):
        words = issue_words(general)
        return [outcome(each, PushResult.UNKNOWN, code="FEED_ISSUE", message=words) for each in updates]
    outcomes = []
    for number, update in enumerate(updates, start=1):
        issues = by_sku.get(update.row.listing.key, []) + by_number.get(number, [])
        outcomes.append(outcome_of_answer(update, {"status": "ACCEPTED", "issues": issues}, request_id=""))
    return outcomes
