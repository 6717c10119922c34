"""Reading a title and attributes into what can be compared: words, brand, sizes, colours, packs, measures, models."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rapidfuzz.distance import OSA

from skumap.matching import quantities
from skumap.matching.fold import fold, stem
from skumap.matching.gtin import gtin_key
from skumap.matching.quantities import Measure
from skumap.matching.records import Goods, Offer
from skumap.matching.words import (
    COLOURS,
    DOUBTFUL_COLOURS,
    EDITIONS,
    FILLERS,
    GENDERS,
    GENERIC_BRANDS,
    PHRASES,
    SIZES,
    UNITS,
)

TOKEN = re.compile(r"[a-z0-9]+")
SIZE_LABEL = re.compile(
    r"\b(?:uk\s*/\s*ind(?:ia)?|uk|ind|eu|us)\s*[:\-]?\s*(\d{1,2}(?:\.\d)?)\b(?!\.\d)"
    r"|\b(?:size|sz|waist)(?:\s*no)?\s*[.:\-]*\s*(\d{1,2}(?:\.\d)?)\b(?!\.\d|\s*(?:x|by|\*)\s*\d|\s*-?\s*(?:"
    + "|".join(UNITS)
    + r")\b)"
    r"|\b(\d{1,2}(?:\.5)?)\s*(?:waist|uk)\b"
)
DECIMAL = re.compile(r"(?<![\w.])(\d{1,2}\.\d)(?![\w.]*\d)\b")
BANGLE = re.compile(r"\b(?:bangle|bangles|kada|kadas|chuda|choora|chudi)\b")
BANGLE_SIZE = re.compile(r"(?<![\d./-])2\s*[-/.]\s*(2|4|6|8|10|12)(?![\d./])")
# "GalaxyS23FE" is Galaxy S23 FE.
FAMILY_GLUED = re.compile(
    r"\b(galaxy|iphone|ipad|oneplus|redmi|realme|vivo|oppo|moto|poco|narzo|nokia|pixel|note)(?=[a-z]?\d)"
)
EDITION_GLUED = re.compile(r"\b([a-z]{0,2}\d{1,3}[a-z]?)(fe|pro|plus|max|ultra|lite|mini)\b")
SAID_ABOUT_ANYTHING = re.compile(
    r"#\s*1\b|\b(?:super|mega|money)\s+(?:saver|value|deal|offer)\b|\b(?:no|number)\.?\s*1\b(?!\d)|\b(?:combo|pack)\s+(?:offer|deal|saver)\b"
    r"|\b\d+\s*-?\s*(?:years?|yrs?|months?|days?)\s*-?\s*(?:brand\s+)?(?:warranty|guarantee|replacement|returns?)\b"
)
SIZE_AGE = re.compile(r"\b(\d{1,2})\s*(?:-|to)\s*(\d{1,2})\s*(y|yr|yrs|year|years|m|mth|mths|month|months)\b")
SEGMENT = re.compile(r"[,/|()\[\];]|\s-\s")
LONGEST_PHRASE = 3
LONG_NAME = 5  # letters: a shorter word at the end of a title is seldom its brand
SHIPPING = ("package", "shipping", "item weight", "item_weight", "box", "parcel")


@dataclass(slots=True, kw_only=True)
class Draft:
    """What has been read so far."""

    sizes: set[str] = field(default_factory=set)
    colours: set[str] = field(default_factory=set)
    maybe_colours: set[str] = field(default_factory=set)
    packs: set[int] = field(default_factory=set)
    measures: set[Measure] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    genders: set[str] = field(default_factory=set)
    editions: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """
    One SKU or listing, ready to compare. Sets are empty for what it does not say.

    :ivar words: what it is, stemmed and in title order, without brand, colours, sizes, quantities and fillers.
    :ivar tokens: every token of the title as folded, to look a brand up in.
    :ivar maybe_colours: title words that are a colour or the thing itself (rose water).
    :ivar text: the words in alphabetical order, as one. :ivar said: every number, in whatever role.
    :ivar packs: counts above 1; empty says one, or nothing.
    """

    words: tuple[str, ...]
    tokens: frozenset[str]
    brand: str
    sizes: frozenset[str]
    colours: frozenset[str]
    maybe_colours: frozenset[str]
    packs: frozenset[int]
    measures: frozenset[Measure]
    models: frozenset[str]
    numbers: frozenset[str]
    genders: frozenset[str]
    editions: frozenset[str]
    gtin: str
    code: str
    text: str
    said: frozenset[str]

    @property
    def variant(self) -> tuple[object, ...]:
        """What may tell it from another SKU."""
        return (
            frozenset(self.words), self.sizes | self.numbers, self.colours | self.maybe_colours, self.packs, self.measures,
            self.models, self.genders, self.editions,
        )  # fmt: skip


def goods_features(goods: Goods, *, brands: Container[str] = ()) -> Features:
    """
    Read one SKU of ours; a combo of one SKU several times is a pack of that many. :param brands: as for ``offer_features``.
    """
    units = goods.parts[0].units if len(goods.parts) == 1 else 1
    return _features(
        title=goods.title,
        brand=goods.brand,
        attributes=goods.attributes,
        units=units,
        gtin=gtin_key(goods.barcode),
        code=goods.code,
        brands=brands,
    )


def offer_features(offer: Offer, *, brands: Container[str] = ()) -> Features:
    """Read one listing. :param brands: our brands, folded: one of them at an end of a title, or after \"by\", is its brand."""
    return _features(
        title=offer.title,
        brand=offer.brand,
        attributes=offer.attributes,
        units=offer.units or 1,
        gtin=gtin_key(offer.barcode),
        code=offer.seller_sku,
        brands=brands,
    )


def brand_key(text: str) -> str:
    """A brand without case, punctuation and company form; "" for none and for "Generic"."""
    key = " ".join(TOKEN.findall(fold(text)))
    key = re.sub(r"\b(?:pvt|private|ltd|limited|llp|inc|co|india|official|store)\b", "", key).strip()
    return "" if key in GENERIC_BRANDS else " ".join(key.split())


def _features(
    *,
    title: str,
    brand: str,
    attributes: Mapping[str, object],
    units: int,
    gtin: str,
    code: str,
    brands: Container[str],
) -> Features:
    draft = Draft()
    texts = _read_attributes(attributes, draft) if attributes else {}
    text = fold(title or texts.get("title", ""))
    tokens = TOKEN.findall(text)
    own_brand = brand_key(brand or texts.get("brand", "")) or _brand_in(tokens, brands)
    _read_text(_without(text, own_brand), draft)
    if "extra" in texts:
        _read_text(fold(texts["extra"]), draft)
    packs = {count for count in (*draft.packs, units) if count > 1}
    if packs:  # "combo pack of 2": the number says it
        draft.editions -= {"combo", "bundle", "kit", "duo", "trio"}
    amounts = (f"{amount:g}" for _, amount in draft.measures if not isinstance(amount, tuple))
    words = tuple(dict.fromkeys(draft.words))
    return Features(
        words=words,
        tokens=frozenset(tokens),
        brand=own_brand,
        sizes=frozenset(draft.sizes),
        colours=frozenset(draft.colours),
        maybe_colours=frozenset(draft.maybe_colours - draft.colours),
        packs=frozenset(packs),
        measures=frozenset(draft.measures),
        models=frozenset(draft.models),
        numbers=frozenset(draft.numbers),
        genders=frozenset(draft.genders),
        editions=frozenset(draft.editions),
        gtin=gtin,
        code=code.strip(),
        text=" ".join(sorted(" ".join(words).split())),
        said=frozenset((*draft.numbers, *draft.sizes, *(str(count) for count in packs), *amounts)),
    )


def _brand_in(tokens: list[str], brands: Container[str]) -> str:
    for count in (3, 2, 1):
        if len(tokens) > count:
            ends = [tokens[:count], tokens[-count:] if count > 1 or len(tokens[-1]) >= LONG_NAME else []]
            if "by" in tokens[:-1]:
                at = tokens.index("by") + 1
                ends.append(tokens[at : at + count])
            if count > 1:
                ends += [tokens[at : at + count] for at in range(1, len(tokens) - count)]
            for end in ends:
                if " ".join(end) in brands:
                    return " ".join(end)
    return ""


def _without(text: str, brand: str) -> str:
    if not brand:
        return text
    pattern = r"[^a-z0-9]*".join(re.escape(word) for word in brand.split())
    return re.sub(rf"\b{pattern}\b", " ", text)


def _read_attributes(attributes: Mapping[str, object], draft: Draft) -> dict[str, str]:
    """Take what named attributes say. :return: texts still to be read: ``title``, ``brand``, ``extra``."""
    texts: dict[str, str] = {}
    for raw, value in attributes.items():
        name, text = fold(str(raw)).replace("_", " "), fold("" if value is None else str(value))
        if not text or any(word in name for word in SHIPPING):
            continue
        if "colo" in name or "shade" in name:
            _read_colour(text, draft)
        elif name in ("brand", "brand name"):
            texts["brand"] = text
        elif name in ("title", "product title", "item name"):
            texts["title"] = text
        elif any(word in name for word in ("pack", "number of items", "item count", "unit count", "set of")):
            draft.packs |= quantities.take_counts(f"pack of {text}" if text.isdigit() else text)[1]
        elif "size" in name:
            _read_size(text, draft)
        elif any(
            word in name for word in ("capacity", "volume", "net", "weight", "watt", "power", "storage", "length")
        ):
            draft.measures |= quantities.take_measures(text)[1]
        elif name in ("gender", "department", "ideal for", "target gender"):
            draft.genders |= {GENDERS[token] for token in TOKEN.findall(text) if token in GENDERS}
        elif name.startswith("model"):
            draft.models |= {token for token in ("".join(TOKEN.findall(text)),) if _is_model(token)}
        elif any(word in name for word in ("variant", "option", "flavour", "flavor", "fragrance", "scent", "edition")):
            texts["extra"] = f"{texts.get('extra', '')} {text}"
    return texts


def _read_colour(text: str, draft: Draft) -> None:
    tokens = TOKEN.findall(text)
    whole = " ".join(tokens)
    if whole in COLOURS:
        draft.colours.add(COLOURS[whole])
        return
    found = {colour for _, colour, _ in _phrases(tokens, COLOURS) if colour}
    draft.colours |= found or {mistyped_colour(whole) or whole}


@lru_cache(maxsize=16_384)
def mistyped_colour(word: str) -> str:
    """The colour that a word of five letters or more is but for one slip of the pen; "" for none."""
    if len(word) < LONG_NAME:
        return ""
    near = {
        colour
        for way, colour in COLOURS.items()
        if len(way) >= LONG_NAME and OSA.distance(word, way, score_cutoff=1) == 1
    }
    return near.pop() if len(near) == 1 else ""


def _read_size(text: str, draft: Draft) -> None:
    whole = " ".join(TOKEN.findall(text))
    if whole in SIZES:
        draft.sizes.add(SIZES[whole])
    elif re.fullmatch(r"\d{1,2}(\.\d{1,2})?", text):
        draft.sizes.add(text)
    else:
        _read_text(text, draft)


def _read_text(text: str, draft: Draft) -> None:
    """Take quantities, sizes and colours out of free text; what is left are words and models."""
    # "Linen kurta, olive, 36": what stands alone between punctuation is a colour, not part of a name.
    alone = {part.strip() for part in SEGMENT.split(text)} & DOUBTFUL_COLOURS
    text = SAID_ABOUT_ANYTHING.sub(" ", text)
    text = EDITION_GLUED.sub(r"\1 \2", FAMILY_GLUED.sub(r"\1 ", text))
    text = re.sub(r"\b(\d+)\s*-?\s*in\s*-?\s*(?:1|one)\b", r"\1in1", text)
    if BANGLE.search(text):
        draft.sizes |= {f"2.{found[1]}" for found in BANGLE_SIZE.finditer(text)}
        text = BANGLE_SIZE.sub(" ", text)
    draft.sizes |= {next(filter(None, found.groups())) for found in SIZE_LABEL.finditer(text)}
    text = SIZE_LABEL.sub(" ", text)
    text, packs = quantities.take_explicit_counts(text)
    text, measures = quantities.take_measures(text)
    text, more = quantities.take_counts(text)
    draft.packs |= packs | more
    draft.measures |= measures
    draft.sizes |= {f"{found[1]}-{found[2]}{found[3][0]}" for found in SIZE_AGE.finditer(text)}
    text = SIZE_AGE.sub(" ", text)
    draft.numbers |= {found[1] for found in DECIMAL.finditer(text)}
    text = DECIMAL.sub(" ", text)
    tokens = [token for token, _, _ in _phrases(TOKEN.findall(text), PHRASES, join=True)]
    sized = list(_phrases(tokens, SIZES))
    draft.sizes |= {size for _, size, _ in sized if size}
    tokens = [token for token, size, _ in sized if not size]
    for phrase, colour, _ in _phrases(tokens, COLOURS):
        if colour and phrase in DOUBTFUL_COLOURS:
            # Alone it is a colour, and may still be a flavour.
            (draft.colours if phrase in alone else draft.maybe_colours).add(colour)
            draft.words.append(stem(phrase))
        elif colour:
            draft.colours.add(colour)
        else:
            _read_word(phrase, draft)


def _read_word(token: str, draft: Draft) -> None:
    if token in GENDERS:
        draft.genders.add(GENDERS[token])
    elif token in EDITIONS:
        draft.editions.add(token)
    elif token.isdigit():
        draft.numbers.add(token.lstrip("0") or "0")
    elif _is_model(token):
        draft.models.add(token)
    elif len(token) > 1 and token not in FILLERS:
        draft.words.append(stem(token))
        if colour := mistyped_colour(token):
            draft.maybe_colours.add(colour)


def _is_model(token: str) -> bool:
    return len(token) > 1 and any(char.isdigit() for char in token) and any(char.isalpha() for char in token)


def _phrases(
    tokens: list[str], table: Mapping[str, str], *, join: bool = False
) -> Iterable[tuple[str, str | None, int]]:
    """Walk over tokens, longest phrase of the table first: (text, meaning or None, tokens taken)."""
    index = 0
    while index < len(tokens):
        for count in range(min(LONGEST_PHRASE, len(tokens) - index), 0, -1):
            phrase = " ".join(tokens[index : index + count])
            meaning = table.get(phrase)
            if meaning is not None:
                yield (meaning if join else phrase), meaning, count
                index += count
                break
        else:
            yield tokens[index], None, 1
            index += 1
