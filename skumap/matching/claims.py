"""Which listings point at which SKU by an exact identifier, and whether anybody else points there, too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skumap.matching.catalogue import Catalogue
from skumap.matching.fold import code_key, grouped_key
from skumap.matching.gtin import gtin_key
from skumap.matching.records import Conflict, ConflictCode, Evidence, Goods, Id, Offer

Account = tuple[str, Id]
SHARED_PRODUCT_IDS = frozenset({"shopify"})  # there a product id is the style, which all its variants share


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    The exact evidence of one listing.

    :ivar place: of the SKU it points at; None when there is no exact evidence, or it is not unique.
    :ivar weak: the text must confirm it, not only not contradict. :ivar twice: code and barcode both name this SKU and no other.
    :ivar blocking: conflicts that forbid a link. :ivar notes: conflicts that a better evidence outweighs.
    """

    place: int | None = None
    evidence: Evidence | None = None
    weak: bool = False
    twice: bool = False
    blocking: tuple[Conflict, ...] = ()
    notes: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointers:
    """
    Who points where, of all listings, linked ones included.

    :ivar codes, keys, gtins: (account, identifier) -> listing ids that bear it.
    :ivar at: (account, place) -> listing ids that point there by code or barcode. :ivar by_code: the same, by code only.
    :ivar linked: (account, place) -> listing ids linked to it. :ivar products: (channel, product id) -> {place: listing ids}.
    """

    codes: Mapping[tuple[Account, str], Sequence[Id]]
    keys: Mapping[tuple[Account, str], Sequence[Id]]
    gtins: Mapping[tuple[Account, str], Sequence[Id]]
    at: Mapping[tuple[Account, int], set[Id]]
    by_code: Mapping[tuple[Account, int], set[Id]]
    linked: Mapping[tuple[Account, int], Sequence[Id]]
    products: Mapping[tuple[str, str], Mapping[int, list[Id]]]


def account_of(offer: Offer) -> Account:
    return offer.channel, offer.account_id


def find_pointers(*, catalogue: Catalogue, offers: Iterable[Offer], links: Mapping[Id, Id]) -> Pointers:
    """Index what every listing bears. :param links: listing id -> SKU id, for those that a person or we linked before."""
    codes, keys, gtins = (defaultdict[tuple[Account, str], list[Id]](list) for _ in range(3))
    linked: dict[tuple[Account, int], list[Id]] = defaultdict(list)
    at, by_code = (defaultdict[tuple[Account, int], set[Id]](set) for _ in range(2))
    products: dict[tuple[str, str], dict[int, list[Id]]] = defaultdict(lambda: defaultdict(list))
    for offer in offers:
        account, gtin = account_of(offer), gtin_key(offer.barcode)
        if code_key(offer.seller_sku):
            codes[account, offer.seller_sku.strip()].append(offer.id)
            keys[account, code_key(offer.seller_sku)].append(offer.id)
        if gtin:
            gtins[account, gtin].append(offer.id)
        named, barred = code_places(catalogue, offer), catalogue.by_gtin.get(gtin, ())
        for place in {*named, *barred}:
            at[account, place].add(offer.id)
        for place in named:
            by_code[account, place].add(offer.id)
        own = catalogue.position.get(links[offer.id]) if offer.id in links else None
        if own is not None:
            linked[account, own].append(offer.id)
        if offer.product_id and offer.channel not in SHARED_PRODUCT_IDS:
            # A code or barcode on two of our SKUs points at neither.
            for place in (own,) if own is not None else next((each for each in (named, barred) if len(each) == 1), ()):
                products[offer.channel, offer.product_id.strip()][place].append(offer.id)
    return Pointers(codes=codes, keys=keys, gtins=gtins, at=at, by_code=by_code, linked=linked, products=products)


def code_places(catalogue: Catalogue, offer: Offer) -> Sequence[int]:
    """The SKUs that a listing's seller SKU names: exactly, or else but for case and punctuation."""
    code = offer.seller_sku.strip()
    return catalogue.by_code.get(code) or catalogue.by_key.get(code_key(code), ())


def find_claim(*, catalogue: Catalogue, pointers: Pointers, offer: Offer) -> Claim:
    """The exact evidence of one listing that is not linked yet, and what stands against it among identifiers alone."""
    account, code, gtin = account_of(offer), offer.seller_sku.strip(), gtin_key(offer.barcode)
    named, barred = code_places(catalogue, offer), catalogue.by_gtin.get(gtin, ())
    exact = bool(code) and code in catalogue.by_code
    namesakes = pointers.codes.get((account, code), ()) if exact else pointers.keys.get((account, code_key(code)), ())
    same_gtin = pointers.gtins.get((account, gtin), ())
    notes: list[Conflict] = []
    if named and (len(named) > 1 or len(namesakes) > 1):
        notes.append(_taken(catalogue, named, namesakes, code))
    if barred and (len(barred) > 1 or len(same_gtin) > 1):
        notes.append(_barcode_twice(catalogue, barred, same_gtin, offer.barcode))
    if named and barred and not set(named) & set(barred):
        return Claim(notes=tuple(notes), blocking=(_disagree(catalogue, named, barred, offer),))
    place: int | None = None
    evidence: Evidence | None = None
    weak = False
    if len(named) == 1 and len(namesakes) == 1:
        place = named[0]
        evidence = Evidence.SAME_CODE if exact else Evidence.SAME_CODE_NORMALISED
        other_gtin = catalogue.features[place].gtin
        weak = grouped_key(code) != grouped_key(catalogue.goods[place].code) or bool(
            gtin and other_gtin and gtin != other_gtin
        )
    elif len(barred) == 1 and len(same_gtin) == 1:
        place, evidence, weak = barred[0], Evidence.SAME_BARCODE, True
    if place is None:
        return Claim(blocking=tuple(notes))
    blocking = _rivals(catalogue, pointers, offer, place, evidence, own_code=place in named)
    return Claim(
        place=place,
        evidence=evidence,
        weak=weak,
        twice=(list(named), list(barred), len(namesakes), len(same_gtin)) == ([place], [place], 1, 1),
        blocking=tuple(blocking),
        notes=tuple(notes),
    )


def _rivals(
    catalogue: Catalogue, pointers: Pointers, offer: Offer, place: int, evidence: Evidence | None, *, own_code: bool
) -> list[Conflict]:
    """Other listings of the account that point at the same SKU, and other SKUs that the same FSN or ASIN points at."""
    account, goods = account_of(offer), catalogue.goods[place]
    others: set[Id] = set(pointers.linked.get((account, place), ()))
    if evidence is not Evidence.SAME_CODE:
        others |= pointers.at.get((account, place), set())
        if evidence is Evidence.SAME_BARCODE and own_code:
            others -= pointers.by_code.get((account, place), set())  # its barcode decides between namesakes
    others -= {offer.id}
    found = []
    if others:
        found.append(two_products(goods, (offer.id, *others)))
    product = pointers.products.get((offer.channel, offer.product_id.strip()), {}) if offer.product_id else {}
    if set(product) - {place}:
        found.append(product_conflict(catalogue, offer.channel, offer.product_id, product))
    return found


def two_products(goods: Goods, offer_ids: Iterable[Id]) -> Conflict:
    """Several listings of one account that point at one SKU."""
    return Conflict(
        code=ConflictCode.SKU_HAS_TWO_PRODUCTS,
        message=f"More than one listing of this account points at SKU {goods.code}.",
        goods_ids=(goods.id,),
        offer_ids=_sorted(offer_ids),
    )


def product_conflict(
    catalogue: Catalogue, channel: str, product_id: str, places: Mapping[int, Sequence[Id]]
) -> Conflict:
    """One FSN or ASIN whose listings point at several SKUs."""
    codes = sorted(catalogue.goods[place].code for place in places)
    return Conflict(
        code=ConflictCode.PRODUCT_FOR_TWO_SKUS,
        message=f"{product_name(channel)} {product_id} points at more than one SKU: {', '.join(codes)}.",
        goods_ids=_sorted(catalogue.goods[place].id for place in places),
        offer_ids=_sorted(offer_id for ids in places.values() for offer_id in ids),
    )


def product_name(channel: str) -> str:
    """What sellers call a product id of that channel."""
    return {"flipkart": "FSN", "amazon": "ASIN"}.get(channel, "Product")


def _taken(catalogue: Catalogue, named: Sequence[int], namesakes: Sequence[Id], code: str) -> Conflict:
    whose = "SKUs of yours" if len(named) > 1 else "listings of this account"
    return Conflict(
        code=ConflictCode.CODE_TAKEN_BY_TWO,
        message=f"The code {code} stands on more than one of the {whose} (case and punctuation aside).",
        goods_ids=_sorted(catalogue.goods[place].id for place in named),
        offer_ids=_sorted(namesakes),
    )


def _barcode_twice(catalogue: Catalogue, barred: Sequence[int], same: Sequence[Id], barcode: str) -> Conflict:
    whose = "SKUs of yours" if len(barred) > 1 else "listings of this account"
    return Conflict(
        code=ConflictCode.BARCODE_TWICE,
        message=f"The barcode {barcode} stands on more than one of the {whose}.",
        goods_ids=_sorted(catalogue.goods[place].id for place in barred),
        offer_ids=_sorted(same),
    )


def _disagree(catalogue: Catalogue, named: Sequence[int], barred: Sequence[int], offer: Offer) -> Conflict:
    by_code, by_barcode = catalogue.goods[named[0]], catalogue.goods[barred[0]]
    return Conflict(
        code=ConflictCode.CODE_AND_BARCODE_DISAGREE,
        message=f"The seller SKU says {by_code.code}, the barcode says {by_barcode.code}.",
        goods_ids=_sorted((by_code.id, by_barcode.id)),
        offer_ids=(offer.id,),
    )


def _sorted(ids: Iterable[Id]) -> tuple[Id, ...]:
    return tuple(sorted(set(ids), key=lambda each: (str(type(each)), each)))
