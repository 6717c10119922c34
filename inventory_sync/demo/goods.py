"""200 SKUs of an Indian seller: apparel in sizes, electronics, home, beauty, and combos of them. Pure, and fixed by the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

SCARCE_COUNT = 20
HELD_COUNT = 8  # listings each that Flipkart (FBF) and Amazon (FBA) fulfil from their own stock
SIZES = ("S", "M", "L", "XL", "XXL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """
    One SKU.

    :ivar mrp: whole rupees.
    :ivar parts: what a combo consists of: (SKU, units); () for a plain SKU.
    :ivar scarce: there is less of it than buyers want.
    :ivar fbf: its Flipkart listing sells from Flipkart's own stock; ``fba``: the same at Amazon.
    """

    code: str
    title: str
    brand: str
    category: str
    hsn: str
    mrp: int
    barcode: str
    parts: tuple[tuple[str, int], ...] = ()
    scarce: bool = False
    fbf: bool = False
    fba: bool = False

    @property
    def components(self) -> tuple[tuple[str, int], ...]:
        """Physical units that one unit of it takes from the shelf."""
        return self.parts or ((self.code, 1),)

    @property
    def price(self) -> int:
        """What buyers pay, in whole rupees."""
        return max(self.mrp * 4 // 5, 1)


# Code, title, brand, HSN and MRP; each comes in five sizes.
APPAREL = (
    ("KUR-BLKPRT-IND", "Block print cotton kurta, indigo", "Nilgiri Loom", "62114290", 1299),
    ("KUR-CHIKAN-WHT", "Chikankari kurta, white", "Nilgiri Loom", "62114290", 1799),
    ("KUR-ANGRAK-MUS", "Angrakha kurta, mustard", "Nilgiri Loom", "62114290", 1499),
    ("KUM-LINEN-OLV", "Men's linen kurta, olive", "Nilgiri Loom", "62114210", 1599),
    ("TSH-CREW-BLK", "Crew neck T-shirt, black", "Tarang", "61091000", 499),
    ("TSH-CREW-WHT", "Crew neck T-shirt, white", "Tarang", "61091000", 499),
    ("TSH-POLO-NVY", "Polo T-shirt, navy", "Tarang", "61051010", 799),
    ("SHT-OXF-SKY", "Oxford shirt, sky blue", "Tarang", "62052000", 1199),
    ("SHT-CHK-RED", "Checked casual shirt, red", "Tarang", "62052000", 999),
    ("TRS-CHINO-KHK", "Slim chinos, khaki", "Tarang", "62034200", 1399),
    ("PLZ-RAYON-BLK", "Rayon palazzo, black", "Nilgiri Loom", "62046990", 699),
    ("LEG-COTTON-MRN", "Cotton leggings, maroon", "Nilgiri Loom", "61046200", 399),
    ("JKT-NEHRU-GRY", "Nehru jacket, grey", "Tarang", "62113300", 1999),
    ("NGT-COTTON-PNK", "Cotton night suit, pink", "Nilgiri Loom", "62082100", 899),
)
# Code, title, HSN, MRP, and its variants:
ELECTRONICS = (
    ("EAR-TWS-A1", "True wireless earbuds A1", "85183000", 1999, ("BLK", "WHT", "BLU")),
    ("EAR-TWS-PRO", "True wireless earbuds Pro, noise cancelling", "85183000", 3499, ("BLK", "WHT")),
    ("EAR-NECK-B2", "Neckband B2, 30 h", "85183000", 1499, ("BLK", "BLU", "GRN")),
    ("EAR-WIRED-C1", "Wired earphones, type C", "85183000", 599, ("BLK", "WHT")),
    ("SPK-BT-10W", "Bluetooth speaker 10 W", "85182200", 1799, ("BLK", "RED")),
    ("SPK-BAR-80W", "Soundbar 80 W", "85182200", 5999, ("BLK",)),
    ("PWB-10K", "Power bank 10,000 mAh", "85076000", 1499, ("BLK", "WHT")),
    ("PWB-20K", "Power bank 20,000 mAh", "85076000", 2499, ("BLK", "BLU")),
    ("CHG-33W", "Charger 33 W, type C", "85044030", 1299, ("WHT", "BLK")),
    ("CHG-65W", "GaN charger 65 W", "85044030", 2499, ("WHT",)),
    ("CBL-CC-1M", "Cable type C to C, 1 m", "85444299", 499, ("BLK", "WHT")),
    ("CBL-CL-1M", "Cable type C to Lightning, 1 m", "85444299", 799, ("WHT",)),
    ("WAT-FIT-2", "Fitness watch 2", "85176290", 2999, ("BLK", "PNK", "GRN")),
    ("WAT-CALL-1", "Calling watch 1", "85176290", 2499, ("BLK", "SLV")),
    ("MOU-WL-M1", "Wireless mouse M1", "84716060", 799, ("BLK", "GRY")),
    ("KBD-WL-K1", "Wireless keyboard K1", "84716040", 1499, ("BLK", "WHT")),
    ("HUB-USB-7", "USB hub, 7 in 1", "84733099", 1999, ("GRY", "BLK")),
    ("LMP-DESK-LED", "LED desk lamp, rechargeable", "94052100", 1199, ("WHT", "BLK")),
    ("TRM-PRO-20", "Beard trimmer, 20 lengths", "85102000", 1299, ("BLK", "BLU")),
    ("DRY-HAIR-1200", "Hair dryer 1200 W", "85163100", 1399, ("PNK", "BLK")),
    ("IRN-DRY-1000", "Dry iron 1000 W", "85164000", 1099, ("BLU",)),
    ("KTL-1L5", "Electric kettle 1.5 l", "85167910", 1299, ("SLV", "BLK")),
    ("MIX-500W", "Mixer grinder 500 W, 3 jars", "85094010", 3499, ("WHT",)),
    ("CAM-WIFI-2MP", "Wi-Fi security camera 2 MP", "85258900", 2199, ("WHT", "BLK")),
    ("EXT-4S-2M", "Extension board, 4 sockets, 2 m", "85366990", 699, ("WHT",)),
)
HOME = (
    ("BED-DBL-FLO", "Double bedsheet with 2 pillow covers, floral", "63022190", 1299, ("BLU", "PNK", "GRN")),
    ("BED-SGL-STR", "Single bedsheet, striped", "63022190", 799, ("BLU", "GRY")),
    ("CUR-DOOR-7F", "Door curtain 7 ft, set of 2", "63039200", 999, ("BRN", "BLU", "CRM")),
    ("TWL-BATH-500", "Bath towel 500 gsm", "63026090", 599, ("WHT", "GRY", "BLU")),
    ("DHR-COTTON-4X6", "Handloom dhurrie 4 x 6 ft", "57024990", 1899, ("RED", "BLU")),
    ("CSH-COVER-16", "Cushion covers 16 in, set of 5", "63049291", 699, ("JAI", "IKT")),
    ("TIF-SS-3T", "Steel tiffin, 3 tiers", "73239390", 899, ("STD",)),
    ("BTL-SS-1L", "Steel bottle 1 l", "73239390", 649, ("BLU", "BLK", "SLV")),
    ("CKR-3L", "Pressure cooker 3 l", "76151030", 1799, ("STD",)),
    ("TAW-DOSA-28", "Dosa tawa 28 cm, non-stick", "76151030", 999, ("STD",)),
    ("KAD-2L5", "Kadhai 2.5 l with lid", "73239390", 1199, ("STD",)),
    ("MUG-CER-4", "Ceramic mugs, set of 4", "69120010", 799, ("BLU", "WHT", "GRN")),
    ("DIN-MEL-24", "Melamine dinner set, 24 pieces", "39241090", 1999, ("FLO",)),
    ("BOX-STG-12", "Storage containers, set of 12", "39241090", 899, ("CLR",)),
    ("SPC-BOX-7", "Masala box, 7 bowls", "73239390", 749, ("STD",)),
    ("DIY-BRASS-5", "Brass diyas, set of 5", "74198040", 599, ("STD",)),
    ("AGB-SANDAL-100", "Agarbatti sandalwood, 100 sticks", "33074100", 149, ("STD",)),
    ("MAT-YOGA-6MM", "Yoga mat 6 mm", "95069190", 799, ("PRP", "BLU")),
    ("ORG-SHOE-5", "Shoe rack, 5 tiers", "94032090", 1299, ("BLK",)),
    ("CLK-WALL-12", "Wall clock 12 in", "91052100", 699, ("BLK", "WDN")),
    ("LGT-FAIRY-10", "Fairy lights 10 m", "94053100", 299, ("WRM", "MUL")),
    ("MOP-SPIN", "Spin mop with bucket", "96039000", 1499, ("STD",)),
)
BEAUTY = (
    ("FCW-NEEM-150", "Neem face wash 150 ml", "33049990", 199, ("STD",)),
    ("FCW-HALDI-150", "Turmeric face wash 150 ml", "33049990", 229, ("STD",)),
    ("SRM-VITC-30", "Vitamin C serum 30 ml", "33049990", 599, ("STD",)),
    ("SRM-NIA-30", "Niacinamide serum 30 ml", "33049990", 549, ("STD",)),
    ("SUN-SPF50-50", "Sunscreen SPF 50, 50 g", "33049990", 449, ("GEL", "CRM")),
    ("OIL-COCO-200", "Coconut hair oil 200 ml", "33059011", 249, ("STD",)),
    ("OIL-ONION-200", "Onion hair oil 200 ml", "33059011", 399, ("STD",)),
    ("OIL-AMLA-200", "Amla hair oil 200 ml", "33059011", 219, ("STD",)),
    ("SHM-ONION-300", "Onion shampoo 300 ml", "33051090", 349, ("STD",)),
    ("SHM-REETHA-300", "Reetha shampoo 300 ml", "33051090", 329, ("STD",)),
    ("CND-ARGAN-200", "Argan conditioner 200 ml", "33059040", 379, ("STD",)),
    ("SOP-SANDAL-4", "Sandal soap, pack of 4", "34011190", 240, ("STD",)),
    ("SOP-NEEM-4", "Neem soap, pack of 4", "34011190", 220, ("STD",)),
    ("BLM-LIP", "Lip balm 4.5 g", "33041000", 149, ("CHR", "MNT", "HNY")),
    ("LIP-MATTE", "Matte lipstick", "33041000", 499, ("RED", "NUD", "PLM", "BRY")),
    ("KJL-24H", "Kajal 24 h", "33042000", 249, ("BLK",)),
    ("NPL-9ML", "Nail polish 9 ml", "33043000", 149, ("RED", "PNK", "BLU", "NUD", "WIN")),
    ("PRF-OUD-50", "Oud perfume 50 ml", "33030050", 999, ("STD",)),
    ("DEO-150", "Deodorant 150 ml", "33072000", 249, ("AQU", "MSK")),
    ("HND-CRM-75", "Hand cream 75 g", "33049990", 199, ("STD",)),
    ("MSK-CLAY-100", "Multani mitti face pack 100 g", "33049990", 249, ("STD",)),
    ("TPS-CLOVE-150", "Clove toothpaste 150 g", "33061020", 130, ("STD",)),
    ("ROS-WATER-200", "Rose water 200 ml", "33030060", 150, ("STD",)),
    ("HEN-POWDER-200", "Henna powder 200 g", "33059050", 180, ("STD",)),
)
BRANDS = {"electronics": "Voltara", "home": "Gharaana", "beauty": "Neemora"}
# Code, title, HSN and parts; a part names a family, and which size or colour of it is drawn with the seed.
KITS = (
    ("CMB-KURTA-PALAZZO", "Kurta and palazzo set", "62114290", (("KUR-CHIKAN-WHT", 1), ("PLZ-RAYON-BLK", 1))),
    ("CMB-TSHIRT-3", "Crew neck T-shirts, pack of 3", "61091000", (("TSH-CREW-BLK", 2), ("TSH-CREW-WHT", 1))),
    ("CMB-CHARGE-KIT", "Charger 33 W with cable", "85044030", (("CHG-33W", 1), ("CBL-CC-1M", 1))),
    ("CMB-DESK-KIT", "Keyboard and mouse", "84716060", (("KBD-WL-K1", 1), ("MOU-WL-M1", 1))),
    ("CMB-TRAVEL-AUDIO", "Earbuds with power bank", "85183000", (("EAR-TWS-A1", 1), ("PWB-10K", 1))),
    ("CMB-BEDROOM", "Bedsheet and door curtains", "63022190", (("BED-DBL-FLO", 1), ("CUR-DOOR-7F", 1))),
    ("CMB-TOWELS-4", "Bath towels, pack of 4", "63026090", (("TWL-BATH-500", 4),)),
    ("CMB-DIWALI", "Diwali box: diyas, lights, agarbatti", "74198040", (("DIY-BRASS-5", 1), ("LGT-FAIRY-10", 2), ("AGB-SANDAL-100", 1))),
    ("CMB-HAIRCARE", "Onion oil and shampoo", "33059011", (("OIL-ONION-200", 1), ("SHM-ONION-300", 1))),
    ("CMB-SKINCARE", "Face wash, serum and sunscreen", "33049990", (("FCW-HALDI-150", 1), ("SRM-VITC-30", 1), ("SUN-SPF50-50", 1))),
)  # fmt: skip


def catalogue(*, seed: int) -> tuple[Good, ...]:
    """The 200 SKUs; the seed picks prices to the rupee, sizes in combos, and which are scarce or held by a marketplace."""
    rng = random.Random(f"goods:{seed}")
    plain = [replace(good, mrp=good.mrp + 10 * rng.randint(-2, 2)) for good in _plain()]
    kits = [_kit(number, plain, rng) for number in range(len(KITS))]
    in_kits = {code for kit in kits for code, _ in kit.parts}
    # One combo holds a scarce part, so that scarce rows of different listings share stock; the other combos' parts are ample.
    free = [good.code for good in plain if good.code not in in_kits]
    scarce = {*rng.sample(free, SCARCE_COUNT - 1), kits[0].parts[0][0]}
    ample = [code for code in free if code not in scarce]
    held = rng.sample(ample, 2 * HELD_COUNT)
    return tuple(
        replace(
            good, scarce=good.code in scarce, fbf=good.code in held[:HELD_COUNT], fba=good.code in held[HELD_COUNT:]
        )
        for good in [*plain, *kits]
    )


def _plain() -> Iterator[Good]:
    number = 0
    for code, title, brand, hsn, mrp in APPAREL:
        for size in SIZES:
            number += 1
            yield Good(
                code=f"{code}-{size}",
                title=f"{title}, {size}",
                brand=brand,
                category="apparel",
                hsn=hsn,
                mrp=mrp,
                barcode=ean(number),
            )
    for category, families in (("electronics", ELECTRONICS), ("home", HOME), ("beauty", BEAUTY)):
        for code, title, hsn, mrp, variants in families:
            for variant in variants:
                number += 1
                suffix = "" if variant == "STD" else f"-{variant}"
                yield Good(
                    code=f"{code}{suffix}",
                    title=f"{title}{suffix.replace('-', ', ').lower()}",
                    brand=BRANDS[category],
                    category=category,
                    hsn=hsn,
                    mrp=mrp,
                    barcode=ean(number),
                )


def _kit(number: int, plain: list[Good], rng: random.Random) -> Good:
    code, title, hsn, families = KITS[number]
    parts = []
    for family, units in families:
        choices = [good for good in plain if good.code == family or good.code.startswith(family + "-")]
        parts.append((rng.choice(choices), units))
    return Good(
        code=code,
        title=title,
        brand=parts[0][0].brand,
        category=parts[0][0].category,
        hsn=hsn,
        mrp=sum(part.mrp * units for part, units in parts) * 9 // 10,
        barcode=ean(900 + number),
        parts=tuple((part.code, units) for part, units in parts),
    )


def ean(number: int) -> str:
    """A GTIN-13 of the Indian prefix with a right check digit; ``number`` 0..99999."""
    digits = f"8900000{number:05d}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
