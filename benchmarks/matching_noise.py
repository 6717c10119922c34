"""
A made-up catalogue and what channels make of it: listings of the same goods, written by somebody in a hurry.

The word lists are its own: nothing here is imported from the matcher, so what the matcher does not know shows. Where a listing bears
another SKU's code or barcode, its text keeps size, colour and pack: without them nobody could tell.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from skumap.matching.records import Goods, Offer

BRANDS = (
    "Rangrez Weaves", "Tikau", "Blue Peepal", "Saanjh Studio", "Urban Chowk", "Marudhar", "Kora & Co", "Veltrix", "Nexaro", "Boltix", "PixelKart",
    "Ampero", "Griha Kala", "Chulha House", "Nestora", "Mitti Tone", "Aarogyam", "Kesh Kanti Labs", "Glowveda", "Dermaleaf", "Sugandhi", "Zentro",
    "Hausmate", "Purva", "Oxen", "Lumio",
)  # fmt: skip
CODE_COLOURS = {"Black": "BLK", "White": "WHT", "Navy Blue": "NVY", "Red": "RED", "Maroon": "MRN", "Grey": "GRY", "Olive": "OLV",
                "Mustard": "MUS", "Pink": "PNK", "Sky Blue": "SKY", "Green": "GRN", "Beige": "BGE", "Blue": "BLU", "Silver": "SLV",
                "Purple": "PRP", "Yellow": "YEL", "Brown": "BRN", "Teal": "TEL"}  # fmt: skip
OTHER_COLOURS = {"Black": ["BLK", "Jet Black", "black"], "White": ["WHT", "Pure White"], "Navy Blue": ["Navy", "Dark Blue", "NVY BLU"],
                 "Red": ["Crimson", "RED"], "Maroon": ["Wine", "Burgundy", "MRN"], "Grey": ["Gray", "GRY", "Ash Grey"],
                 "Olive": ["Olive Green", "Military Green"], "Mustard": ["Mustard Yellow", "Haldi"], "Pink": ["Baby Pink", "PNK"],
                 "Sky Blue": ["Light Blue", "Skyblue"], "Green": ["GRN", "Leaf Green"], "Beige": ["Sand", "BGE"], "Blue": ["BLU"],
                 "Silver": ["SLV", "Metallic Silver"], "Purple": ["Violet", "PRP"], "Yellow": ["Lemon Yellow", "YLW"],
                 "Brown": ["Chocolate Brown", "BRN"], "Teal": ["Teal Green", "Peacock Blue"]}  # fmt: skip
OTHER_SIZES = {"S": ["Small"], "M": ["Medium", "Med"], "L": ["Large"], "XL": ["X-Large", "Extra Large"], "XXL": ["2XL", "XX-Large"],
               "3XL": ["XXXL"]}  # fmt: skip
SHORT = {"cotton": ["cttn", "ctn"], "with": ["w/"], "wireless": ["wrls"], "bluetooth": ["BT"], "printed": ["prnt"],
         "t-shirt": ["tshirt", "tee", "T Shirt"],
         "women's": ["womens", "ladies", "women"], "men's": ["mens", "gents", "men"], "steel": ["stl"], "bottle": ["btl"], "bedsheet": ["bed sheet"],
         "shampoo": ["shmp"], "moisturiser": ["moisturizer"], "adapter": ["adaptor"], "casual": ["csl"], "earbuds": ["ear buds"],
         "powerbank": ["power bank"], "sleeve": ["slv."], "kurta": ["kurtha"], "container": ["cntnr"], "charger": ["chrgr"]}  # fmt: skip
OTHER_UNITS = {"L": ["L", "Ltr", "Litres"], "g": ["g", "gm", "Gms"], "W": ["W", "Watt"], "m": ["m", "mtr", "Meter"]}
PUFF = (
    "Premium", "Latest", "Stylish", "(New)", "Best Quality", "for Daily Use", "Original", "Trendy", "Super Saver", "Festive", "Made in India",
    "Gift for Diwali", "Top Rated", "Long Lasting", "Export Quality", "Hot Deal",
)  # fmt: skip
APPAREL = {
    "Kurta": "Cotton,Rayon,Linen,Chikankari,Block Print,Bandhani,Angrakha,Khadi",
    "T-Shirt": "Round Neck,Polo,V Neck,Henley,Oversized,Graphic",
    "Shirt": "Oxford,Checked,Striped,Mandarin Collar,Denim,Corduroy",
    "Palazzo": "Rayon,Crepe,Cotton Flex,Georgette",
    "Joggers": "Fleece,Terry,Dry Fit",
    "Night Suit": "Satin,Cotton,Hosiery",
    "Nehru Jacket": "Jacquard,Linen,Silk Blend",
    "Leggings": "Ankle Length,Churidar,Seamless",
}
ELECTRONICS = {
    "Powerbank": ("mAh", (5000, 10000, 20000, 27000), "Slim,Fast Charging,Magnetic"),
    "Charger": ("W", (18, 33, 45, 65), "GaN,Dual Port,Type-C"),
    "Bluetooth Speaker": ("W", (5, 10, 16, 24), "Portable,Waterproof,Retro"),
    "Pen Drive": ("GB", (32, 64, 128, 256), "Metal,OTG,Swivel"),
    "Data Cable": ("m", (1, 1.5, 2), "Type-C,Lightning,Micro USB,Braided"),
    "LED Bulb": ("W", (7, 9, 12, 15), "B22,Inverter,Smart"),
    "Electric Kettle": ("L", (1, 1.5, 1.8), "Double Wall,Glass"),
    "Wireless Earbuds": ("hrs", (24, 30, 40), "Gaming,ENC,Sports"),
}
HOME = {
    "Steel Bottle": ("ml", (500, 750, 1000), "Insulated,Fridge,Sipper"),
    "Pressure Cooker": ("L", (2, 3, 5), "Outer Lid,Induction Base,Hard Anodised"),
    "Bath Towel": ("GSM", (400, 500, 600), "Bamboo,Terry,Waffle"),
    "Yoga Mat": ("mm", (4, 6, 8), "TPE,EVA,Anti Skid"),
    "Storage Container": ("ml", (500, 1200, 2000), "Airtight,Modular,Glass"),
    "Dosa Tawa": ("cm", (25, 28, 30), "Granite,Cast Iron,Nonstick"),
    "Bedsheet": ("TC", (144, 210, 300), "King,Single,Double,Elastic Fitted"),
}
BEAUTY = {
    "Face Wash": ("ml", (50, 100, 150), "Neem,Charcoal,Vitamin C,Aloe,Saffron"),
    "Hair Oil": ("ml", (100, 200, 400), "Coconut,Onion,Amla,Bhringraj,Rosemary"),
    "Shampoo": ("ml", (180, 340, 650), "Onion,Reetha,Keratin,Argan"),
    "Body Lotion": ("ml", (100, 250, 400), "Cocoa,Shea,Almond"),
    "Soap": ("g", (75, 100, 125), "Sandal,Neem,Goat Milk,Turmeric"),
    "Face Serum": ("ml", (15, 30), "Niacinamide,Retinol,Vitamin C,Hyaluronic"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Shares of listings, or of words, that something happens to."""

    typo: float = 0.03
    shorten: float = 0.35
    puff: float = 0.35
    drop_word: float = 0.05
    drop_fact: float = 0.06
    shuffle: float = 0.4
    foreign: float = 0.08
    other_code: float = 0.2
    reused_code: float = 0.03
    changed_code: float = 0.22
    typed_code: float = 0.05
    no_barcode: float = 0.25
    wrong_barcode: float = 0.03
    neighbours_barcode: float = 0.02
    no_attributes: float = 0.5


HARSH = Noise(
    typo=0.07, shorten=0.6, puff=0.6, drop_word=0.1, drop_fact=0.12, shuffle=0.6, foreign=0.15, other_code=0.3, reused_code=0.06,
    changed_code=0.25, typed_code=0.08, no_barcode=0.4, wrong_barcode=0.06, neighbours_barcode=0.04, no_attributes=0.7,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One made-up product: what it truly is."""

    id: int
    style: int
    brand: str
    kind: str
    trait: str
    measure: str
    colour: str
    size: str
    pack: int
    code: str
    barcode: str
    mrp: int


def make_items(rng: random.Random, count: int) -> list[Item]:
    """At least ``count`` products in styles of sizes, colours, capacities and packs; codes and barcodes differ."""
    items: list[Item] = []
    seen: set[tuple[str, str, str]] = set()
    while len(items) < count:
        brand, style = rng.choice(BRANDS), len(seen)
        group = rng.choice((APPAREL, APPAREL, ELECTRONICS, HOME, BEAUTY))
        kind = rng.choice(list(group))
        entry = group[kind]
        trait = rng.choice((entry if isinstance(entry, str) else entry[2]).split(","))
        if rng.random() < 0.35:
            trait = f"{rng.choice(('Classic', 'Urban', 'Royal', 'Eco', 'Festive', 'Signature', 'Active'))} {trait}"
        if (brand, kind, trait) in seen and len(seen) < 6000 and rng.random() < 0.999:
            continue
        seen.add((brand, kind, trait))
        base = 10 * rng.randint(15, 300) - 1
        for number, (colour, size, measure, pack) in enumerate(_variants(rng, group, entry)):
            code = "-".join(
                part for part in (
                    brand[:3].upper(), "".join(word[0] for word in kind.split()) + kind.split()[-1][1:3].upper(),
                    f"{style:04d}", CODE_COLOURS.get(colour, ""), size, measure.replace(" ", "").upper().replace(".", "P"),
                    f"P{pack}" if pack > 1 else "",
                ) if part
            )  # fmt: skip
            items.append(
                Item(
                    id=len(items) + 1, style=style, brand=brand, kind=kind, trait=trait, measure=measure, colour=colour, size=size,
                    pack=pack, code=code, barcode=_ean(f"8901{rng.randint(0, 999):03d}{len(items):05d}"),
                    mrp=base * pack + number // 4 * 20,
                )
            )  # fmt: skip
    return items


def _variants(rng: random.Random, group: object, entry: object) -> Iterator[tuple[str, str, str, int]]:
    colours = rng.sample(list(CODE_COLOURS), rng.randint(1, 4))
    if group is APPAREL:
        sizes = rng.choice(("S M L XL XXL", "M L XL XXL 3XL", "28 30 32 34 36")).split()
        packs = rng.choice(([1], [1], [1], [1, 2]))
        yield from ((colour, size, "", pack) for colour in colours for size in sizes for pack in packs)
        return
    assert isinstance(entry, tuple)
    amounts = [f"{amount} {entry[0]}" for amount in rng.sample(entry[1], rng.randint(1, len(entry[1])))]
    packs = rng.choice(([1], [1, 2], [1, 3])) if group is BEAUTY else [1]
    yield from (
        (colour, "", amount, pack)
        for colour in ([""] if group is BEAUTY else colours) for amount in amounts for pack in packs
    )  # fmt: skip


def goods_of(rng: random.Random, item: Item) -> Goods:
    """How the seller keeps it."""
    facts = [item.colour, f"Pack of {item.pack}" if item.pack > 1 else "", item.size]
    title = ", ".join(part for part in (f"{item.trait} {item.kind} {item.measure}".strip(), *facts) if part)
    attributes = {"size": item.size, "colour": item.colour} if rng.random() < 0.5 else {}
    return Goods(
        id=item.id, code=item.code, title=title, brand=item.brand if rng.random() < 0.95 else "",
        barcode=item.barcode if rng.random() < 0.85 else "", mrp=Decimal(item.mrp),
        attributes={name: value for name, value in attributes.items() if value},
    )  # fmt: skip


def offer_of(rng: random.Random, item: Item, noise: Noise, *, number: int, neighbours: list[Item]) -> Offer:
    """How a channel shows it. :param neighbours: SKUs whose code or barcode it may bear by mistake."""
    misled = False
    code, barcode = item.code, item.barcode
    dice = rng.random()
    if dice < noise.other_code:
        code = f"{rng.choice('ABKMZ')}{rng.randint(10**6, 10**7)}" if rng.random() < 0.8 else ""
    elif dice < noise.other_code + noise.reused_code and neighbours:
        code, misled = rng.choice(neighbours).code, True
    elif dice < noise.other_code + noise.reused_code + noise.changed_code:
        code = rng.choice(
            (code.lower(), code.replace("-", "_"), code.replace("-", ""), code.replace("-", " "), code.title())
        )
    elif dice < noise.other_code + noise.reused_code + noise.changed_code + noise.typed_code:
        code = _typo(rng, code)
    dice = rng.random()
    if dice < noise.no_barcode:
        barcode = rng.choice(("", "", "NA", barcode[:-1]))
    elif dice < noise.no_barcode + noise.wrong_barcode:
        barcode = _ean(f"8906{rng.randint(0, 10**8 - 1):08d}")
    elif dice < noise.no_barcode + noise.wrong_barcode + noise.neighbours_barcode and neighbours:
        barcode, misled = rng.choice(neighbours).barcode, True
    elif rng.random() < 0.1:
        barcode = f"0{barcode}"
    drop = 0.0 if misled else noise.drop_fact
    bare = rng.random() < noise.no_attributes
    attributes = {} if bare else {"Color": _colour(rng, item.colour), "Size": _size(rng, item.size)}
    return Offer(
        id=f"L{number}", channel=("flipkart", "amazon")[number % 2], account_id=number % 2, seller_sku=code,
        product_id=f"{'FSNX' if number % 2 == 0 else 'B0'}{number:08d}", title=_title(rng, item, noise, drop=drop),
        brand=item.brand if rng.random() < 0.7 else "", barcode=barcode, price=Decimal(item.mrp * rng.randint(55, 95) // 100),
        mrp=Decimal(item.mrp if rng.random() < 0.85 else item.mrp + 100),
        attributes={name: value for name, value in attributes.items() if value and rng.random() >= drop},
    )  # fmt: skip


def _title(rng: random.Random, item: Item, noise: Noise, *, drop: float) -> str:
    words = [_word(rng, word, noise) for word in f"{item.trait} {item.kind}".split()]
    words = [word for word in words if len(words) < 3 or rng.random() >= noise.drop_word]
    facts = [_measure(rng, item.measure), _colour(rng, item.colour), _size(rng, item.size)]
    if item.pack > 1:
        facts.append(
            rng.choice(("Pack of {}", "Set of {}", "{} pcs", "Combo of {}", "({} Pieces)", "Pack-{}")).format(item.pack)
        )
    facts = [fact for fact in facts if fact and rng.random() >= drop]
    brand = [item.brand] if rng.random() < 0.7 else []
    parts = [brand, words, facts, [rng.choice(PUFF)] if rng.random() < noise.puff else []]
    if rng.random() < noise.shuffle:
        rng.shuffle(facts)
        rng.shuffle(parts)
    glue = rng.choice((" ", " ", ", ", " - "))
    title = glue.join(" ".join(part) for part in parts if part)
    return rng.choice((str, str, str.upper, str.lower))(title)


def _word(rng: random.Random, word: str, noise: Noise) -> str:
    if word.lower() in SHORT and rng.random() < noise.shorten:
        return rng.choice(SHORT[word.lower()])
    return _typo(rng, word) if len(word) > 4 and rng.random() < noise.typo else word


def _typo(rng: random.Random, word: str) -> str:
    at = rng.randint(1, max(1, len(word) - 2))
    one_less, swapped = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
    )
    return rng.choice((one_less, swapped, word[:at] + word[at] + word[at:]))


def _colour(rng: random.Random, colour: str) -> str:
    return rng.choice(OTHER_COLOURS[colour]) if colour and rng.random() < 0.4 else colour


def _size(rng: random.Random, size: str) -> str:
    return rng.choice(OTHER_SIZES[size]) if size in OTHER_SIZES and rng.random() < 0.4 else size


def _measure(rng: random.Random, measure: str) -> str:
    if not measure:
        return ""
    amount, unit = measure.split()
    if unit == "ml" and float(amount) >= 1000 and rng.random() < 0.5:
        return f"{float(amount) / 1000:g} {rng.choice(('L', 'Ltr', 'Litre'))}"
    unit = rng.choice(OTHER_UNITS.get(unit, [unit]))
    return f"{amount}{rng.choice(('', ' '))}{unit}"


def _ean(digits: str) -> str:
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def make_case(*, seed: int, size: int, noise: Noise) -> tuple[list[Goods], list[Offer], dict[str, int]]:
    """SKUs, listings, and the truth: listing id -> SKU id; a listing of goods that are not ours is not in it."""
    rng = random.Random(f"matching:{seed}")
    items = make_items(rng, int(size * (1 + noise.foreign)) + 40)
    # Some styles are not ours at all, and of ours some single variants are not.
    lost = {style for style in {item.style for item in items} if rng.random() < noise.foreign / 2}
    ours = [item for item in items if item.style not in lost and rng.random() >= noise.foreign / 2][:size]
    kept = {item.id for item in ours}
    styles: dict[int, list[Item]] = {}
    for item in ours:
        styles.setdefault(item.style, []).append(item)
    goods = [goods_of(rng, item) for item in ours]
    offers, truth = [], {}
    for number, item in enumerate(rng.sample(items, min(size, len(items)))):
        siblings = [other for other in styles.get(item.style, []) if other.id != item.id]
        near = rng.sample(siblings, min(3, len(siblings))) + rng.sample(ours, 2)
        near = [other for other in near if other.id != item.id]
        offer = offer_of(rng, item, noise, number=number, neighbours=near)
        if item.id in kept:
            truth[str(offer.id)] = item.id
        offers.append(offer)
    return goods, offers, truth
