"""
Which SKU is a listing? Pure and explainable: records in, outcomes out, the same input always giving the same output.

``match_listings`` decides, ``propose_styles`` pairs whole runs of sizes and colours, ``find_conflicts`` names what is wrong
with the identifiers of a whole map, ``audit_links`` doubts what is linked already. How they think is in ``docs/matching.md``.
"""

from __future__ import annotations

from skumap.matching.audit import Audited, audit_links
from skumap.matching.conflicts import find_conflicts
from skumap.matching.gtin import gtin_key
from skumap.matching.match import match_listings
from skumap.matching.records import (
    Conflict,
    ConflictCode,
    Evidence,
    Finding,
    Goods,
    Kind,
    KitPart,
    Offer,
    Outcome,
    Suggestion,
    Verdict,
)
from skumap.matching.styles import StyleProposal, propose_styles

__all__ = [
    "Audited",
    "Conflict",
    "ConflictCode",
    "Evidence",
    "Finding",
    "Goods",
    "Kind",
    "KitPart",
    "Offer",
    "Outcome",
    "StyleProposal",
    "Suggestion",
    "Verdict",
    "audit_links",
    "find_conflicts",
    "gtin_key",
    "match_listings",
    "propose_styles",
]
