"""
How well listings are matched, on a made-up catalogue with realistic noise: ``python -m benchmarks.matching --seed 1 --size 5000``.

Prints wrong automatic links, the share of truly exact listings linked, how often the true SKU is among the first three suggestions of the
rest, precision and recall, and the time. Exits 1 when a bar is missed. Needs no database.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.matching_noise import HARSH, Noise, make_case
from skumap.matching import match_listings
from skumap.matching.records import Goods, Kind, Offer, Outcome

EXACT_BAR, FIRST_THREE_BAR, SECONDS_BAR = 0.90, 0.95, 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, action="append", help="may be given several times; 1 by default")
    parser.add_argument("--size", type=int, default=5_000, help="SKUs, and listings")
    parser.add_argument("--harsh", action="store_true", help="about twice the noise")
    parser.add_argument("--show", type=int, default=0, help="print so many of each kind of miss")
    options = parser.parse_args()
    passed = [
        _run(seed, options.size, HARSH if options.harsh else Noise(), show=options.show) for seed in options.seed or [1]
    ]
    return 0 if all(passed) else 1


def _run(seed: int, size: int, noise: Noise, *, show: int) -> bool:
    goods, offers, truth = make_case(seed=seed, size=size, noise=noise)
    started = time.perf_counter()
    outcomes = match_listings(goods=goods, offers=offers, suggestions=5)
    seconds = time.perf_counter() - started
    exact = exact_listings(goods, offers, truth)
    linked = [each for each in outcomes if each.kind is Kind.LINKED]
    wrong = [each for each in linked if truth.get(str(each.offer_id)) != each.goods_id]
    held = [each for each in outcomes if str(each.offer_id) in exact and each.kind is not Kind.LINKED]
    rest = [each for each in outcomes if str(each.offer_id) in truth and str(each.offer_id) not in exact]
    missed = [each for each in rest if truth[str(each.offer_id)] not in [s.goods_id for s in each.suggestions[:3]]]
    shelved = [each for each in held if truth[str(each.offer_id)] not in [s.goods_id for s in each.suggestions[:3]]]
    foreign = [each for each in outcomes if str(each.offer_id) not in truth]
    linked_share = 1 - len(held) / max(len(exact), 1)
    found_share = 1 - len(missed) / max(len(rest), 1)
    right = len(linked) - len(wrong)
    print(f"\nseed {seed}: {len(goods):,} SKUs, {len(offers):,} listings ({len(truth):,} ours, {len(foreign):,} not)")
    print(f"  wrong automatic links           {len(wrong):>7,}   (bar: 0)")
    print(f"  exact ones linked               {linked_share:>7.2%}   of {len(exact):,} (bar: {EXACT_BAR:.0%})")
    print(f"  true SKU in first 3 of the rest {found_share:>7.2%}   of {len(rest):,} (bar: {FIRST_THREE_BAR:.0%})")
    print(f"  exact, held: true SKU in first 3 {1 - len(shelved) / max(len(held), 1):>6.2%}   of {len(held):,}")
    reasons = Counter(each.conflicts[0].code.value for each in held if each.conflicts).most_common(4)
    print("  exact, held because of          " + ", ".join(f"{count} {reason}" for reason, count in reasons))
    print(f"  links: precision {right / max(len(linked), 1):.4f}, recall of all ours {right / max(len(truth), 1):.4f}")
    print(
        f"  not ours: {sum(each.kind is Kind.NO_CANDIDATE for each in foreign):,} of {len(foreign):,} without a candidate"
    )
    print(f"  time {seconds:.1f} s   (bar: {SECONDS_BAR:.0f} s)")
    if show:
        _show(goods, offers, truth, {"wrong": wrong, "held": held, "missed": missed}, show)
    return not wrong and linked_share >= EXACT_BAR and found_share >= FIRST_THREE_BAR and seconds <= SECONDS_BAR


def exact_listings(goods: Sequence[Goods], offers: Sequence[Offer], truth: dict[str, int]) -> set[str]:
    """Listings whose seller SKU (case and punctuation aside) or valid barcode names the true SKU, unique on both sides."""
    ours = {each.id: each for each in goods}
    codes, barcodes = Counter(_code(each.code) for each in goods), Counter(_barcode(each.barcode) for each in goods)
    their_codes = Counter((each.account_id, _code(each.seller_sku)) for each in offers)
    their_barcodes = Counter((each.account_id, _barcode(each.barcode)) for each in offers)
    exact = set()
    for offer in offers:
        if str(offer.id) not in truth:
            continue
        true = ours[truth[str(offer.id)]]
        code, barcode = _code(offer.seller_sku), _barcode(offer.barcode)
        by_code = code and code == _code(true.code) and codes[code] == their_codes[offer.account_id, code] == 1
        by_barcode = (
            barcode
            and barcode == _barcode(true.barcode)
            and barcodes[barcode] == their_barcodes[offer.account_id, barcode] == 1
        )
        if by_code or by_barcode:
            exact.add(str(offer.id))
    return exact


def _code(text: str) -> str:
    return "".join(char for char in text.lower() if char not in " -._")


def _barcode(text: str) -> str:
    """The benchmark's own check, so that it does not believe what it measures."""
    if not text.isdigit() or len(text) not in (8, 12, 13, 14):
        return ""
    weighted = sum(int(char) * (3, 1)[place % 2] for place, char in enumerate(reversed(text[:-1])))
    return text.lstrip("0") if (weighted + int(text[-1])) % 10 == 0 else ""


def _show(
    goods: Sequence[Goods], offers: Sequence[Offer], truth: dict[str, int], kinds: dict[str, list[Outcome]], most: int
) -> None:
    ours, theirs = {each.id: each for each in goods}, {each.id: each for each in offers}
    for kind, outcomes in kinds.items():
        for each in outcomes[:most]:
            offer, true = theirs[each.offer_id], ours.get(truth.get(str(each.offer_id), -1))
            print(
                f"\n  {kind}: {offer.seller_sku!r} {offer.title!r} {offer.brand!r} {dict(offer.attributes)} {offer.barcode}"
            )
            print(f"     true: {true and (true.code, true.title, true.brand, true.barcode)}")
            for found in each.suggestions[:3]:
                print(f"     {found.score:6.2f} {ours[found.goods_id].code} {ours[found.goods_id].title!r}")
            print("     ", [(conflict.code.value, conflict.message) for conflict in each.conflicts])


if __name__ == "__main__":
    sys.exit(main())
