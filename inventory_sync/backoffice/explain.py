"""
"Why this number?" The steps of the last decision of one listing, told in words.

The decision (``domain.allocation``) leaves its steps as codes with numbers; here every code gets its sentence. A code nobody knows is shown as
it is rather than left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from inventory_sync.backoffice.words import count
from inventory_sync.domain.decision import Reason

Numbers = Mapping[str, Any]

UNLIMITED = 1_000_000  # a plain mirror shares without any limit, which is stored as a huge number

# What became of it, in a few words, for lists.
REASON_WORDS: Mapping[str, str] = {
    Reason.NOT_WRITABLE: "not sent to now",
    Reason.ENOUGH: "shows enough",
    Reason.DEAD_BAND: "too small a change to matter",
    Reason.WAITS_FOR_FLIGHT: "waits for what was sent before",
    Reason.WAITS_FOR_RIGHTS: "waits for free stock",
    Reason.WAITS_FOR_START: "waits until it was read once",
    Reason.LEFT_TO_ORDERS: "left to sell down",
    Reason.REFILL: "filled up",
    Reason.OVER_GRANTED: "lowered: too much was shown",
    Reason.GIVES_WAY: "gives way to a quicker listing",
    Reason.ABOVE_CAP: "lowered to its stock rule",
    Reason.REPEAT_ZERO: "0 sent once more",
    Reason.DOUBTED: "sent again: it should have sold by now",
    Reason.MIRROR: "shows all stock",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One step. ``result``: it says what was decided."""

    text: str
    result: bool = False


def reason_words(code: str) -> str:
    return REASON_WORDS.get(code, code.replace("_", " "))


def tell(inputs: Mapping[str, Any], *, channel: str) -> list[Sentence]:
    """
    The steps of a stored decision (``ListingState.inputs``) in order; [] when nothing was decided yet.

    :param channel: the name of the channel, as in "seen on Flipkart".
    """
    sentences = []
    for step in inputs.get("steps") or []:
        code, numbers = str(step.get("code", "")), step.get("numbers") or {}
        teller = _TELLERS.get(code)
        try:
            text = teller(numbers, channel) if teller else _unknown(code, numbers)
        except (KeyError, TypeError, ValueError):
            text = _unknown(code, numbers)
        sentences.append(Sentence(text=text, result=code in set(Reason)))
    if sentences and not any(sentence.result for sentence in sentences):
        sentences.append(Sentence(text=_closing(str(inputs.get("reason", ""))), result=True))
    return sentences


def _closing(reason: str) -> str:
    if reason == Reason.ENOUGH:
        return "It shows enough already, so nothing is sent."
    return f"So: {reason_words(reason)}."


def _unknown(code: str, numbers: Numbers) -> str:
    facts = ", ".join(f"{name} {_number(value)}" for name, value in sorted(numbers.items()))
    return f"{code.replace('_', ' ').capitalize()}{f': {facts}' if facts else ''}."


def _number(value: Any) -> str:
    """Whole numbers without a point, others with at most two places."""
    return str(int(value)) if float(value) == int(float(value)) else f"{float(value):.2f}".rstrip("0").rstrip(".")


def _whole(numbers: Numbers, name: str) -> int:
    return int(numbers[name])


def _stock(numbers: Numbers, channel: str) -> str:
    others = _whole(numbers, "others")
    text = f"The warehouses behind this listing have {count(_whole(numbers, 'sellable'), 'sellable unit')} for it."
    return (
        f"{text} Other listings may still sell up to {others}." if others else f"{text} No other listing may sell them."
    )


def _book(numbers: Numbers, channel: str) -> str:
    exposed, shown = _whole(numbers, "exposure"), _whole(numbers, "shown")
    unseen, flights = _whole(numbers, "unseen"), _whole(numbers, "flights")
    if not exposed and not flights:
        return f"Nothing may sell there at the moment: {channel} shows 0."
    parts = [f"{channel} may still show {shown}"]
    if unseen:
        parts.append(f"{unseen} may have been sold that we were not told of yet")
    if flights:
        parts.append(f"{count(flights, 'quantity', 'quantities')} that we sent may not be in force yet")
    return f"Up to {exposed} may still sell there: {'; '.join(parts)}."


def _demand(numbers: Numbers, channel: str) -> str:
    per_hour = float(numbers["per_hour"])
    if per_hour < 0.05:
        return "It sells less than one a day."
    pace = f"{_number(round(per_hour, 1))} an hour" if per_hour >= 1 else f"{_number(round(per_hour * 24, 1))} a day"
    return f"It sells about {pace}. Before a new quantity is in force it may sell {_whole(numbers, 'blind')} more."


def _goal(numbers: Numbers, channel: str) -> str:
    goal, shows, shared = _whole(numbers, "goal"), _whole(numbers, "shows"), _whole(numbers, "allowance")
    text = f"Its part of the sellable stock is {goal}. It shows {shows}."
    if goal and 0 < shared < UNLIMITED:
        return f"{text} The last units are shown on several listings at once, because they sell slowly enough for that."
    return text


def _written(numbers: Numbers, why: str) -> str:
    return f"Send {_whole(numbers, 'value')} in place of {_whole(numbers, 'instead_of')}: {why}"


def _room(numbers: Numbers, channel: str) -> str:
    room = max(_whole(numbers, "room"), 0)
    if not room:
        return "It should show more, but everything sellable may still sell elsewhere. It is filled up as soon as stock is free."
    return f"It should show more, but only {count(room, 'unit')} {'is' if room == 1 else 'are'} free for it now."


_TELLERS: Mapping[str, Callable[[Numbers, str], str]] = {
    "set_aside": lambda numbers, channel: (
        f"{count(_whole(numbers, 'units'), 'unit')} of its stock {'is' if _whole(numbers, 'units') == 1 else 'are'} set aside for a transfer or an "
        "offline sale and not offered any more."
    ),
    "surge": lambda numbers, channel: (
        f"Orders of this account come {_number(numbers['times'])} times as fast as usual, or a sale event says that they will."
    ),
    "stock": _stock,
    "book": _book,
    "demand": _demand,
    "goal": _goal,
    "missed_orders": lambda numbers, channel: (
        f"By its usual pace it should have sold {_number(numbers['orders'])} by now, and it sold nothing: perhaps {channel} does not show what "
        "we think."
    ),
    Reason.WAITS_FOR_RIGHTS: _room,
    Reason.NOT_WRITABLE: lambda numbers, channel: (
        "Nothing is sent to it now: its account is not live, its connection needs you, it was not read yet, or the listing is blocked. "
        "What it may still sell stays reserved for it."
    ),
    Reason.ENOUGH: lambda numbers, channel: "It shows enough already, so nothing is sent.",
    Reason.DEAD_BAND: lambda numbers, channel: (
        f"It could show {_whole(numbers, 'value')}, but so small a change is not worth an API call."
    ),
    Reason.WAITS_FOR_FLIGHT: lambda numbers, channel: "It waits until the quantity that was sent before is in force.",
    Reason.WAITS_FOR_START: lambda numbers, channel: (
        "It is not raised yet: first its orders must be known up to the moment when it was read, and no unlinked listing of the same goods may "
        "show stock (an alert names it)."
    ),
    Reason.LEFT_TO_ORDERS: lambda numbers, channel: (
        f"It shows {count(_whole(numbers, 'over'), 'unit')} too many, which is left to sell down: the risk is small, or another listing is "
        "lowered first."
    ),
    Reason.REFILL: lambda numbers, channel: _written(numbers, "it runs low and stock is free for it."),
    Reason.OVER_GRANTED: lambda numbers, channel: _written(
        numbers, "all listings together may sell more than there is, so this one is lowered."
    ),
    Reason.GIVES_WAY: lambda numbers, channel: _written(numbers, "it sells slowly, and a quicker listing has run out."),
    Reason.ABOVE_CAP: lambda numbers, channel: _written(numbers, "its stock rule allows no more."),
    Reason.REPEAT_ZERO: lambda numbers, channel: (
        "Send 0 once more: the earlier 0 overtook another quantity that may have come after it."
    ),
    Reason.DOUBTED: lambda numbers, channel: _written(
        numbers, "so that it surely shows what it should, or frees what it holds."
    ),
    Reason.MIRROR: lambda numbers, channel: _written(
        numbers, "the stock rule says to show all sellable stock everywhere."
    ),
}
