"""The vocabulary of Indian listings: how one thing is written in several ways. Everything here is folded: lower case, ASCII."""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    """Lines ``canonical: one way, another way`` as {way: canonical}, the canonical word included."""
    table: dict[str, str] = {}
    for line in text.strip().splitlines():
        canonical, _, ways = line.partition(":")
        for way in (canonical, *ways.split(",")):
            if way.strip():
                table[way.strip()] = canonical.strip()
    return table


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# One colour per line and how it is written; families below say which shades belong together.
COLOURS = _table("""
black: blk, blck, bk, jet black, pitch black, matte black, carbon black, midnight black, coal black, onyx, kala
white: wht, wh, pure white, snow white, bright white, arctic white, pearl white, safed
off white: offwhite, ivory, cream, crm, ecru, eggshell, half white, pearl
grey: gray, gry, gra, gre, slate, slate grey, ash, ash grey, steel grey, light grey, space grey, space gray
charcoal: charcoal grey, charcoal gray, dark grey, dark gray, graphite, gunmetal, anthracite, anthra
silver: slv, slvr, silver grey, metallic silver, chrome
blue: blu, bl, cobalt blue, cobalt, neela
navy: nvy, n blue, dk blue, navy blue, nvy blu, nvy blue, dark blue, midnight blue, ink blue, navyblue, oxford blue
royal blue: electric blue, sapphire, sapphire blue, ultramarine, persian blue, royal, rblue
sky blue: skyblue, sky, light blue, baby blue, powder blue, aqua blue, ice blue, pale blue
indigo: indigo blue, neel, ind
teal: teal blue, teal green, petrol, petrol blue, peacock blue, peacock, morpankhi
turquoise: aqua, firozi, cyan, ferozi
red: rd, cherry, scarlet, crimson, cherry red, bright red, tomato red, lal, blood red
maroon: mrn, wine, burgundy, wine red, oxblood, dark red, bordeaux, mehroon
pink: pnk, baby pink, light pink, blush, blush pink, gulabi, dusty pink, pastel pink
magenta: fuchsia, rani, rani pink, hot pink, fuschia, dark pink
rose: rose pink, dusty rose
rose gold: rosegold, rg
green: grn, gr, leaf green, parrot green, hara
olive: olv, olive green, military green, army green, moss green
bottle green: dark green, b green, dk green, forest green, emerald, emerald green, hunter green
mint: mint green, sea green, pista, pista green, pistachio, light green, pastel green
yellow: ylw, yel, yllw, haldi yellow, lemon yellow, lemon, bright yellow, peela
mustard: mus, mstrd, mustard yellow, haldi, turmeric yellow, ochre
orange: org, orng, tangerine, bright orange, kesari, saffron
rust: rust orange, burnt orange, brick, brick red, terracotta
peach: pch, apricot, coral, salmon, light orange
purple: prp, prpl, violet, vlt, plum, eggplant, amethyst, jamuni, jamun, grape, aubergine
lavender: lilac, mauve, light purple, lvndr
brown: brn, brwn, chocolate, coffee, choco, chocolate brown, coffee brown, dark brown, walnut, mocha
tan: tn, camel, caramel, light brown, tan brown, cognac
beige: bge, beg, biege, sand, skin, nude, fawn, oatmeal, ecru beige
khaki: khk, khaki green, stone
gold: gld, golden, golden yellow, metallic gold
copper: cpr, bronze, antique copper
multicolour: multicolor, multi, mul, multi colour, multi color, multicoloured, multicolored, assorted, mixed, mix colour
transparent: clear, clr, see through
""")
COLOUR_FAMILIES = {
    "black": "black", "charcoal": "grey", "grey": "grey", "silver": "silver",
    "white": "white", "off white": "white", "beige": "beige", "khaki": "beige", "tan": "brown", "brown": "brown",
    "blue": "blue", "navy": "blue", "royal blue": "blue", "sky blue": "blue", "indigo": "blue", "teal": "teal",
    "turquoise": "teal", "red": "red", "maroon": "red", "pink": "pink", "magenta": "pink", "rose": "pink",
    "rose gold": "rose gold", "green": "green", "olive": "green", "bottle green": "green", "mint": "green",
    "yellow": "yellow", "mustard": "yellow", "orange": "orange", "rust": "orange", "peach": "orange",
    "purple": "purple", "lavender": "purple", "gold": "gold", "copper": "copper",
    "multicolour": "any", "transparent": "transparent",
}  # fmt: skip
# In a title these may be a colour or the thing itself (rose water, hand cream); as a colour attribute they are a colour.
DOUBTFUL_COLOURS = _words(
    "rose cream crm orange wine mint olive lemon peach coffee chocolate choco lavender copper bronze gold golden silver chrome sand skin nude "
    "stone multi mixed clear pearl ash sky royal brick coral saffron kesari haldi turmeric grape walnut camel caramel mocha onyx "
    "assorted pista pistachio aqua emerald salmon apricot blush ind gr bl tn rd wh bk rani petrol cobalt slate graphite carbon "
    "peacock cherry plum amethyst sapphire neel mul rg rust org beg gre gra"
)
SIZES = _table("""
xxs: 2xs
xs: extra small, xsmall, x small
s: small, sml
m: medium, med, mdm
l: large, lrg, lge
xl: extra large, xlarge, x large, xtra large
2xl: xxl, double xl, xx large, xxlarge, 2x large, 2 xl, 2x, double extra large
3xl: xxxl, triple xl, xxx large, xxxlarge, 3x large, 3 xl, 3x, triple extra large
4xl: xxxxl, 4x large, 4 xl, 4x
5xl: xxxxxl, 5x large, 5 xl, 5x
6xl: 6x large, 6 xl, 6x
free size: freesize, one size, onesize, fs, universal size, free-size
""")
# Dimension: unit -> how many base units one of it is (ml, g, mm, W, mAh, GB, hours, …).
UNITS: dict[str, tuple[str, float]] = {
    way: (dimension, factor)
    for dimension, factor, ways in (
        ("volume", 1, "ml mls mltr millilitre milliliter millilitres milliliters"),
        ("volume", 1000, "l lt ltr ltrs lit litre liter litres liters"),
        ("mass", 0.001, "mg"),
        ("mass", 1, "g gm gms gr gram grams grm grms"),
        ("mass", 1000, "kg kgs kilo kilogram kilograms"),
        ("length", 1, "mm"),
        ("length", 10, "cm cms centimetre centimeter"),
        ("length", 1000, "m mtr mtrs mt metre meter metres meters"),
        ("length", 25.4, "in inch inches"),
        ("length", 304.8, "ft feet foot"),
        ("power", 1, "w watt watts wt"),
        ("power", 1000, "kw"),
        ("charge", 1, "mah"),
        ("charge", 1000, "ah"),
        ("storage", 1, "gb gig"),
        ("storage", 1024, "tb"),
        ("storage", 1 / 1024, "mb"),
        ("fabric weight", 1, "gsm"),
        ("voltage", 1, "v volt volts"),
        ("resolution", 1, "mp megapixel megapixels"),
        ("rate", 1, "hz"),
        ("duration", 1, "h hr hrs hour hours"),
    )
    for way in ways.split()
}
GENDERS = _table("""
men: mens, man, gents, gent, male, gentlemen
women: womens, woman, ladies, lady, female, wmn, womn
boys: boy, boyz
girls: girl
kids: kid, child, children, childrens, toddler
unisex:
""")
# Words that name another edition of a product: on one side only, they mean another product.
EDITIONS = _words(
    "pro max plus mini lite fe ultra neo prime elite refill junior jumbo combo kit bundle duo trio renewed refurbished"
)
# Said about anything, so it tells nothing apart.
FILLERS = _words(
    "a an and the of for with by in on to from at or is new latest best premium quality original genuine authentic top branded stylish "
    "trendy fashion fashionable beautiful attractive ideal daily everyday use wear regular value offer sale free "
    "shipping delivery india indian made product item brand pack set combo piece pc pcs pieces unit units size colour color quantity qty net "
    "official store genuine lowest price great hot selling exclusive amazing long lasting gift you your our all "
    "trending trend bestseller seller selling rated rating popular favourite festive festival diwali holi rakhi eid christmas wedding birthday "
    "anniversary offers deals discount saver saving budget cod cash free fast quick arrival arrivals "
    "launch warranty guarantee isi bis fssai certified marked export grade fancy "
    "multipurpose multiuse useful must have home gifts him her friends family artisans handcrafted "
    "approx only buy deal assured w no more"
)
# Written in several ways, one meaning; phrases are joined before single words are looked up.
PHRASES = _table("""
tshirt: t shirt, tee shirt, t shrt, tee
wifi: wi fi
typec: type c, usb c, c type, usb type c, typ c
bedsheet: bed sheet
powerbank: power bank, pwr bank, pwr bnk
facewash: face wash, facial wash
nonstick: non stick
earbud: ear bud, ear buds, earbuds, buds
earphone: ear phone, ear phones, earphones
headphone: head phone, head phones, headphones
smartwatch: smart watch
truewireless: true wireless, tws
vitaminc: vitamin c, vit c
steel: stainless steel, ss
fullsleeve: full sleeve, full sleeves, f s
halfsleeve: half sleeve, half sleeves, h s
roundneck: round neck, r neck, rneck
crewneck: crew neck, c neck
vneck: v neck
nightsuit: night suit
sunscreen: sun screen, sunblock, sun block
lipstick: lip stick
backpack: back pack
trackpant: track pant, track pants
extensionboard: extension board, ext board, extn board
bluetooth: bt, blue tooth
wireless: wl, wrls, wless, cordless
cotton: ctn, cttn, coton
polyester: poly, polyster
pressurecooker: pressure cooker
waterproof: water proof
shampoo: shmp
conditioner: cndnr
moisturiser: moisturizer, moisturising, moisturizing
ceramic: cermic
pillowcover: pillow cover, pillow covers, pillowcase, pillow case, pillow cases
adapter: adaptor
led: l e d
kurta: kurtha
saree: sari, sarees, saris
jewellery: jewelry
handbag: hand bag
flipflop: flip flop, flip flops, slipper, slippers, chappal
""")
GENERIC_BRANDS = frozenset(
    {"", "generic", "unbranded", "na", "n a", "none", "no brand", "local", "other", "others", "oem"}
)
NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=1
    )
}
