"""What goes into matching and what comes out. Money is in rupees, scores run from 0 to 100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

Id = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class KitPart:
    """``units`` of one SKU inside a combo."""

    goods_id: Id
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """
    One SKU of ours.

    :ivar attributes: name -> value as stored (``size``, ``colour``, ``pack_of``, ``capacity``, …); names are read loosely.
    :ivar parts: what a combo consists of; () for a plain SKU.
    :ivar style: SKUs with the same non-empty style are sizes and colours of one product; "" when nobody said.
    """

    id: Id
    code: str
    title: str = ""
    brand: str = ""
    barcode: str = ""
    mrp: Decimal | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[KitPart, ...] = ()
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    One listing of a channel account.

    :ivar product_id: FSN or ASIN; of Shopify the product, which all its variants share.
    :ivar price: what buyers pay for one sale. :ivar mrp: as the channel shows it.
    :ivar units: how many units one sale takes, when somebody said so; None and 1 say nothing.
    :ivar parent: what the variants of one style have in common on the channel (parent ASIN, Shopify product id); "" for none.
    """

    id: Id
    channel: str
    account_id: Id
    seller_sku: str = ""
    product_id: str = ""
    title: str = ""
    brand: str = ""
    barcode: str = ""
    price: Decimal | None = None
    mrp: Decimal | None = None
    units: int | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    parent: str = ""


class Verdict(StrEnum):
    """What comparing one field says."""

    AGREES = "agrees"
    CLOSE = "close"  # may be the same in other words (navy and blue, M and 38): neither proof nor contradiction
    DIFFERS = "differs"
    ONLY_OURS = "only ours"
    ONLY_THEIRS = "only theirs"
    UNSAID = "not said"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One compared field, with both values as a person reads them."""

    field: str
    ours: str
    theirs: str
    verdict: Verdict


class ConflictCode(StrEnum):
    """Why something does not link by itself, or should not be linked as it is."""

    PRODUCT_FOR_TWO_SKUS = "product_for_two_skus"
    SKU_HAS_TWO_PRODUCTS = "sku_has_two_products"
    BARCODE_TWICE = "barcode_twice"
    CODE_TAKEN_BY_TWO = "code_taken_by_two"
    CODE_AND_BARCODE_DISAGREE = "code_and_barcode_disagree"
    SIZE_MISMATCH = "size_mismatch"
    COLOUR_MISMATCH = "colour_mismatch"
    PACK_MISMATCH = "pack_mismatch"
    BRAND_MISMATCH = "brand_mismatch"
    CAPACITY_MISMATCH = "capacity_mismatch"
    MODEL_MISMATCH = "model_mismatch"
    GENDER_MISMATCH = "gender_mismatch"
    TITLE_MISMATCH = "title_mismatch"
    BARCODE_MISMATCH = "barcode_mismatch"
    READS_LIKE_ANOTHER = "reads_like_another"
    VARIANT_NOT_SAID = "variant_not_said"
    MRP_FAR_OFF = "mrp_far_off"
    PRICE_FAR_OFF = "price_far_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A named conflict; ``message`` is for the seller, the ids say which rows it is about."""

    code: ConflictCode
    message: str
    goods_ids: tuple[Id, ...] = ()
    offer_ids: tuple[Id, ...] = ()


class Evidence(StrEnum):
    """What an automatic link rests on."""

    SAME_CODE = "same code"
    SAME_BARCODE = "same barcode"
    SAME_CODE_NORMALISED = "same code but for case and punctuation"


class Kind(StrEnum):
    """What matching made of a listing."""

    LINKED = "linked"
    AMBIGUOUS = "ambiguous"
    NO_CANDIDATE = "no candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """
    A SKU that the listing may be.

    :ivar score: 0 to 100. :ivar findings: every field that at least one side states.
    :ivar units_per_sale: units of the SKU that one sale would take if it is this one (a pack of 2 of a single: 2).
    """

    goods_id: Id
    score: float
    findings: tuple[Finding, ...]
    units_per_sale: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What becomes of one listing.

    :ivar goods_id: set only when it links by itself; ``evidence`` says why.
    :ivar suggestions: best first; of a linked one, the SKU it links to.
    """

    offer_id: Id
    kind: Kind
    goods_id: Id | None = None
    evidence: Evidence | None = None
    suggestions: tuple[Suggestion, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
