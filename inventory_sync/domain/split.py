"""Dividing whole units by weight."""

from __future__ import annotations

from collections.abc import Sequence


def fair_split(*, units: int, weights: Sequence[float], limits: Sequence[int]) -> list[int]:
    """
    Split whole units by weight (largest remainder, ties to the earlier one), no part above its limit.

    What a limit withholds goes to the others by their weights. A part with room is at least 1 as long as there is a unit for it, so that a
    slow row is on sale, too. All weights 0: equal parts.

    :param units: below zero counts as zero.
    :return: parts >= 0 in the given order; together min(units, sum of limits).
    """
    parts = [0] * len(weights)
    left = min(max(units, 0), sum(limits))
    open_ones = [index for index in range(len(weights)) if limits[index] > 0]
    while left and open_ones:
        shares = _largest_remainder(left, [weights[index] for index in open_ones])
        # Fill the limited ones first: what they can't take is split again among the others.
        full = [index for index, share in zip(open_ones, shares, strict=True) if parts[index] + share >= limits[index]]
        if not full:
            for index, share in zip(open_ones, shares, strict=True):
                parts[index] += share
            break
        for index in full:
            left -= limits[index] - parts[index]
            parts[index] = limits[index]
        open_ones = [index for index in open_ones if index not in full]
    return _one_for_each(parts, limits)


def _largest_remainder(units: int, weights: Sequence[float]) -> list[int]:
    total = sum(weights)
    exact = [units * weight / total if total > 0 else units / len(weights) for weight in weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in by_remainder[: units - sum(parts)]:
        parts[index] += 1
    return parts


def _one_for_each(parts: list[int], limits: Sequence[int]) -> list[int]:
    for index in range(len(parts)):
        richest = max(range(len(parts)), key=lambda each: parts[each])
        if parts[index] == 0 and limits[index] > 0 and parts[richest] > 1:
            parts[richest] -= 1
            parts[index] += 1
    return parts
