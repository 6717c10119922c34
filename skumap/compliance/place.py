"""States, the place of supply, and which taxes follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from skumap.compliance.tables import State, States, shipped_states
from skumap.compliance.verdict import Problem, Verdict, as_text, error, quoted

EXPORT_STATE_CODE = "96"
REPLACED_STATE_CODES = {"25": "26", "28": "37"}
_SUPPLIER_STATUSES = ("active", "merged", "legacy")
_PLACE_STATUSES = (*_SUPPLIER_STATUSES, "place_of_supply_only")
# Codes that older libraries, ISO before November 2023 and Shopify use beside those of the table.
_OTHER_CODES = {"CT": "22", "TG": "36", "UT": "05", "OR": "21", "OD": "21", "DN": "26", "DD": "26", "DH": "26"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOfSupply(Verdict):
    """
    :ivar state_code: GST code of the place of supply, fit for new documents; None when an error blocks. :ivar state: its row.
    :ivar basis: what it rests on: ``export``, ``bill_to``, ``delivery``, ``billing`` or ``supplier``.
    """

    state_code: str | None = None
    state: State | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxHeads(Verdict):
    """
    :ivar intra: central and State tax, instead of integrated tax; None when an error blocks.
    :ivar heads: ``("CGST", "SGST")``, ``("CGST", "UTGST")`` or ``("IGST",)``. :ivar state_tax_label: ``SGST`` or ``UTGST``, "" for IGST.
    """

    intra: bool | None = None
    heads: tuple[str, ...] = ()
    state_tax_label: str = ""


def canonical_state_code(code: str) -> str:
    """The code that new documents use: 26 for 25 (merged in 2020), 37 for 28 (the undivided Andhra Pradesh); others as they are."""
    return REPLACED_STATE_CODES.get(code, code)


def find_state(value: object, *, states: States | None = None) -> State | None:
    """
    The State that a text names, as new documents call it; None when no State is meant for sure.

    :param value: a GST code (``"27"``), an ISO or Shopify code (``"MH"``, ``"IN-MH"``; also CT, TG, UT, OR and DN, DD), or a name.
    """
    table = shipped_states() if states is None else states
    text = " ".join(as_text(value).upper().replace("&", " AND ").split())
    if not text:
        return None
    short = text.removeprefix("IN-")
    code = text if text in table else _OTHER_CODES.get(short)
    if code is None:
        code = next((row.gst_state_code for row in table.values() if _is_called(row, text, short)), None)
    return table.get(canonical_state_code(code)) if code is not None else None


def place_of_supply(
    *,
    supplier_state: object,
    delivery_state: object = None,
    billing_state: object = None,
    buyer_gstin: object = None,
    buyer_registered: bool | None = None,
    export: bool = False,
    states: States | None = None,
) -> PlaceOfSupply:
    """
    Where goods are supplied, for the tax.

    Export: 96. A registered buyer: the State of the GSTIN, or else of the billing address. Anyone else: the delivery address, or else the billing
    address, or else where the supplier is. Errors: ``bad_state``, ``not_a_place_of_supply``.

    :param buyer_registered: None takes a buyer with a GSTIN as registered.
    """
    table = shipped_states() if states is None else states
    if export:
        return PlaceOfSupply(
            normalized=EXPORT_STATE_CODE,
            state_code=EXPORT_STATE_CODE,
            state=table.get(EXPORT_STATE_CODE),
            basis="export",
        )
    registered = bool(as_text(buyer_gstin)) if buyer_registered is None else buyer_registered
    sources = [("bill_to", as_text(buyer_gstin)[:2]), ("bill_to", billing_state)] if registered else []
    sources += [("delivery", delivery_state), ("billing", billing_state), ("supplier", supplier_state)]
    basis, value = next(((basis, value) for basis, value in sources if as_text(value)), ("supplier", ""))
    state, problem = _place(value, table, "place_of_supply")
    if state is None or problem is not None:
        return PlaceOfSupply(problems=(problem,) if problem else (), basis=basis)
    return PlaceOfSupply(normalized=state.gst_state_code, state_code=state.gst_state_code, state=state, basis=basis)


def tax_heads(
    *,
    supplier_state: object,
    place_of_supply: object,
    sez: bool = False,
    export: bool = False,
    states: States | None = None,
) -> TaxHeads:
    """
    Which taxes a supply bears: the same State CGST and SGST (UTGST in territories without a legislature), otherwise IGST.

    Errors: ``bad_state``, ``not_a_place_of_supply``.

    :param supplier_state: the State of the GSTIN of the warehouse that ships. :param sez: the buyer is a unit in a special economic zone.
    """
    table = shipped_states() if states is None else states
    supplier = find_state(supplier_state, states=table)
    if supplier is None or supplier.status not in _SUPPLIER_STATUSES:
        return TaxHeads(problems=(_unknown(supplier_state, "supplier_state"),))
    place, problem = _place(EXPORT_STATE_CODE if export else place_of_supply, table, "place_of_supply")
    if place is None or problem is not None:
        return TaxHeads(problems=(problem,) if problem else ())
    if sez or place.gst_state_code != supplier.gst_state_code:
        return TaxHeads(normalized=place.gst_state_code, intra=False, heads=("IGST",))
    label = supplier.state_tax_label
    return TaxHeads(normalized=place.gst_state_code, intra=True, heads=("CGST", label), state_tax_label=label)


def _place(value: object, table: States, field: str) -> tuple[State | None, Problem | None]:
    state = find_state(value, states=table)
    if state is None:
        return None, _unknown(value, field)
    if state.status not in _PLACE_STATUSES:
        words = f"{state.gst_state_code} ({state.name}) is not a place of supply in India."
        return None, error("not_a_place_of_supply", field, words)
    return state, None


def _unknown(value: object, field: str) -> Problem:
    return error(
        "bad_state", field, f"{quoted(as_text(value))} is not a State or Union territory that can be used here."
    )


def _is_called(row: State, text: str, short: str) -> bool:
    """Rows of old codes come after their successors only by luck, but all of them lead to the same canonical code."""
    codes = {row.iso_3166_2.removeprefix("IN-"), row.shopify_province_code} - {""}
    return short in codes or text == row.name.upper()
