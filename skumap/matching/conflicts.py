"""What is wrong with the identifiers of a whole map, whoever linked it: the same thing standing in two places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from skumap.matching.catalogue import build_catalogue
from skumap.matching.claims import (
    SHARED_PRODUCT_IDS,
    Account,
    account_of,
    find_pointers,
    product_conflict,
    product_name,
)
from skumap.matching.fold import code_key
from skumap.matching.gtin import gtin_key
from skumap.matching.records import Conflict, ConflictCode, Goods, Id, Offer


def find_conflicts(
    *, goods: Iterable[Goods], offers: Iterable[Offer], links: Mapping[Id, Id] | None = None
) -> list[Conflict]:
    """
    Name every identifier that stands where only one may: an FSN or ASIN for two SKUs, a SKU with two FSNs or ASINs in one account, a
    barcode or a code twice among our SKUs or among the listings of one account.

    :param links: listing id -> SKU id, of the listings that are linked; the others count by what they bear.
    :return: in a fixed order, whatever the order of the input.
    """
    rows, known = list(offers), dict(links or {})
    catalogue = build_catalogue(goods)
    pointers = find_pointers(catalogue=catalogue, offers=rows, links=known)
    found = [
        product_conflict(catalogue, channel, product_id, places)
        for (channel, product_id), places in pointers.products.items()
        if len(places) > 1
    ]
    for places in catalogue.by_key.values():
        if len(places) > 1:
            code = catalogue.goods[places[0]].code
            ids = [catalogue.goods[place].id for place in places]
            found.append(
                _twice(ConflictCode.CODE_TAKEN_BY_TWO, f"Code {code}: two SKUs of yours bear it", goods_ids=ids)
            )
    for gtin, places in catalogue.by_gtin.items():
        if len(places) > 1:
            ids = [catalogue.goods[place].id for place in places]
            found.append(
                _twice(ConflictCode.BARCODE_TWICE, f"Barcode {gtin}: two SKUs of yours bear it", goods_ids=ids)
            )
    found += _listings_twice(rows)
    found += _two_products(rows, known, {row.id: row.code for row in catalogue.goods})
    return sorted(found, key=lambda each: (each.code.value, each.message, str(each.goods_ids), str(each.offer_ids)))


def _listings_twice(offers: Iterable[Offer]) -> list[Conflict]:
    by_code: dict[tuple[Account, str], list[Offer]] = defaultdict(list)
    by_gtin: dict[tuple[Account, str], list[Offer]] = defaultdict(list)
    for offer in offers:
        if code_key(offer.seller_sku):
            by_code[account_of(offer), code_key(offer.seller_sku)].append(offer)
        if gtin_key(offer.barcode):
            by_gtin[account_of(offer), gtin_key(offer.barcode)].append(offer)
    found = []
    for (_, key), same in by_code.items():
        if len(same) > 1:
            message = f"Code {key}: two listings of one account bear it (case and punctuation aside)"
            found.append(_twice(ConflictCode.CODE_TAKEN_BY_TWO, message, offer_ids=[offer.id for offer in same]))
    for (_, gtin), same in by_gtin.items():
        if len(same) > 1:
            message = f"Barcode {gtin}: two listings of one account bear it"
            found.append(_twice(ConflictCode.BARCODE_TWICE, message, offer_ids=[offer.id for offer in same]))
    return found


def _two_products(offers: Iterable[Offer], links: Mapping[Id, Id], codes: Mapping[Id, str]) -> list[Conflict]:
    held: dict[tuple[Account, Id], dict[str, Id]] = defaultdict(dict)
    for offer in sorted(offers, key=lambda each: str(each.id)):
        if offer.id in links and offer.product_id.strip() and offer.channel not in SHARED_PRODUCT_IDS:
            held[account_of(offer), links[offer.id]].setdefault(offer.product_id.strip(), offer.id)
    return [
        _twice(
            ConflictCode.SKU_HAS_TWO_PRODUCTS,
            f"SKU {codes.get(goods_id, goods_id)} has more than one {product_name(account[0])} in one account: "
            + ", ".join(sorted(products)),
            goods_ids=[goods_id],
            offer_ids=list(products.values()),
        )
        for (account, goods_id), products in held.items()
        if len(products) > 1
    ]


def _twice(code: ConflictCode, message: str, *, goods_ids: Iterable[Id] = (), offer_ids: Iterable[Id] = ()) -> Conflict:
    return Conflict(
        code=code,
        message=message + ".",
        goods_ids=tuple(sorted(goods_ids, key=str)),
        offer_ids=tuple(sorted(offer_ids, key=str)),
    )
