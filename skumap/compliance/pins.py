"""PIN codes: a hint at the State, never the State itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skumap.compliance.place import canonical_state_code, find_state
from skumap.compliance.tables import Pins, States, shipped_pins, shipped_states
from skumap.compliance.verdict import Verdict, as_text, error, quoted, warning

PIN_PATTERN = re.compile(r"[1-9][0-9]{5}")
#: Series that two States share, or that tables place in the wrong one.
SHARED_SERIES = ("160", "396", "362", "605", "607", "609", "673310", "68255", "533464")
_UP_UTTARAKHAND = (246, 263)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinHint(Verdict):
    """
    :ivar state_code: the State that the PIN hints at, None when no prefix is known or an error blocks. :ivar prefix: the prefix that matched.
    :ivar shared: the series is known to be shared between States.
    """

    state_code: str | None = None
    prefix: str = ""
    shared: bool = False


def pin_state_hint(
    pin: object,
    *,
    address_state: object = None,
    pins: Pins | None = None,
    states: States | None = None,
    field: str = "pin",
) -> PinHint:
    """
    The State that a PIN hints at, by its longest known prefix.

    Error: ``bad_pin``. Warning: ``pin_state_mismatch``, when ``address_state`` is given and differs; the address decides.

    :param address_state: GST code, ISO or Shopify code, or name of the State on the address.
    """
    prefixes = shipped_pins() if pins is None else pins
    text = as_text(pin)
    if not PIN_PATTERN.fullmatch(text):
        words = (
            f"{quoted(text)} is not a PIN code: six digits, the first one not 0."
            if text
            else "The PIN code is missing."
        )
        return PinHint(problems=(error("bad_pin", field, words),))
    prefix = next((text[:length] for length in range(6, 0, -1) if text[:length] in prefixes), "")
    hint = PinHint(
        normalized=text,
        state_code=canonical_state_code(prefixes[prefix]) if prefix else None,
        prefix=prefix,
        shared=text.startswith(SHARED_SERIES) or _UP_UTTARAKHAND[0] <= int(text[:3]) <= _UP_UTTARAKHAND[1],
    )
    return (
        hint
        if not as_text(address_state)
        else _compared(hint, address_state, shipped_states() if states is None else states, field)
    )


def _compared(hint: PinHint, address_state: object, table: States, field: str) -> PinHint:
    stated = find_state(address_state, states=table)
    if hint.state_code is None or (stated is not None and stated.gst_state_code == hint.state_code):
        return hint
    hinted = table[hint.state_code].name if hint.state_code in table else hint.state_code
    named = stated.name if stated else quoted(as_text(address_state))
    shared = " The series is shared between States." if hint.shared else ""
    words = f"PIN {hint.normalized} looks like {hinted}, the address says {named}. The address is used; please check it.{shared}"
    return hint.having(warning("pin_state_mismatch", field, words))
