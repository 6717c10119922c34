"""Cursor pages, and the filter language of ``query:`` arguments over a lagging index."""

from __future__ import annotations

import base64
import json
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from graphql import GraphQLError

from sandbox.shopify.state import SearchIndex

MAX_PAGE = 250
TERM = re.compile(r"""(?P<name>[a-z_]+):(?P<operator>>=|<=|>|<)?(?P<value>'[^']*'|"[^"]*"|[^\s()]+)""")
JOINERS = re.compile(r"\bAND\b")
SortKey = Callable[[Any], Any]


def page(
    things: Iterable[Any],
    *,
    bulk: bool = False,
    sort_key: SortKey = lambda thing: thing.number,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
) -> dict[str, Any]:
    """
    One page as ``{nodes, edges, pageInfo}``.

    A cursor holds the last row's place in the order, not its index, so rows that appear or move don't shift a page.

    :param sort_key: gives a JSON value; ties are broken by number.
    :param bulk: everything, whatever ``first`` says.
    """
    if first is None and last is None and not bulk:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    for name, value in (("first", first), ("last", last)):
        if value is not None and value < 0:
            raise GraphQLError(f"{name} cannot be negative", extensions={"code": "BAD_REQUEST"})
        if value is not None and value > MAX_PAGE:
            raise GraphQLError(f"{name} cannot exceed {MAX_PAGE}", extensions={"code": "BAD_REQUEST"})
    placed = sorted(
        (([sort_key(thing), getattr(thing, "number", 0)], thing) for thing in things),
        key=lambda pair: pair[0],
        reverse=reverse,
    )
    total = len(placed)
    if after is not None:
        start = _place(after)
        placed = [pair for pair in placed if (pair[0] < start if reverse else pair[0] > start)]
    skipped = total - len(placed)
    if before is not None:
        end = _place(before)
        placed = [pair for pair in placed if (pair[0] > end if reverse else pair[0] < end)]
    rest_after = total - skipped - len(placed)
    if bulk:
        chosen = placed
    elif first is not None:
        chosen = placed[:first]
    else:
        chosen = placed[max(len(placed) - (last or 0), 0) :]
    has_next = rest_after > 0 or bool(placed and chosen and placed[-1] is not chosen[-1])
    has_previous = skipped > 0 or bool(placed and chosen and placed[0] is not chosen[0])
    edges = [{"cursor": _cursor(place), "node": thing} for place, thing in chosen]
    return {
        "nodes": [thing for _, thing in chosen],
        "edges": edges,
        "pageInfo": {
            "hasNextPage": has_next,
            "hasPreviousPage": has_previous,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def _cursor(place: Sequence[Any]) -> str:
    return base64.b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str) -> list[Any]:
    try:
        place = json.loads(base64.b64decode(cursor, validate=True))
        if isinstance(place, list) and len(place) == 2:
            return place
    except ValueError:
        pass
    raise GraphQLError("Invalid cursor for current pagination sort.", extensions={"code": "BAD_REQUEST"})


def matching(
    things: Iterable[Any], query: str | None, *, index: SearchIndex, values: dict[str, Callable[[Any], object]]
) -> list[Any]:
    """
    What a search finds: objects the index knows, by their ``updated_at`` of then.

    :param query: terms ``name:value`` with ``>=``, ``<=``, ``>``, ``<``, joined by blanks or AND. None finds everything, at once.
    :param values: the other names that can be searched, beside ``updated_at`` and ``id``. A name that is unknown filters nothing,
        as at Shopify.
    :raises GraphQLError: OR, NOT and brackets, which this sandbox does not speak.
    """
    if query is None or not query.strip():
        return list(things)
    rest = JOINERS.sub(" ", TERM.sub(" ", query)).split()
    if rest:
        message = f"The sandbox does not understand {rest} in a search query"
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
    known: dict[str, Callable[[Any], object]] = {
        **values,
        "updated_at": index.updated_at,
        "id": lambda thing: thing.number,
    }
    found = [thing for thing in things if index.updated_at(thing) is not None]
    for term in TERM.finditer(query):
        value_of = known.get(term["name"])
        if value_of is None:
            continue
        holds = _test(term["operator"], term["value"].strip("'\""))
        found = [thing for thing in found if holds(value_of(thing))]
    return found


COMPARISONS: dict[str | None, Callable[[Any, Any], bool]] = {
    None: operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def _test(sign: str | None, wanted: str) -> Callable[[object], bool]:
    """Whether a value stands in this relation to the text of a query; the value's type says how the text is read."""
    compare = COMPARISONS[sign]

    def holds(value: object) -> bool:
        if isinstance(value, datetime):  # Shopify's times know whole seconds
            return compare(value.replace(microsecond=0), _instant(wanted))
        if isinstance(value, bool):
            return compare(str(value).lower(), wanted.lower())
        if isinstance(value, int):
            return compare(value, int(wanted) if wanted.isdigit() else -1)
        return compare(str(value or "").lower(), wanted.lower())

    return holds


@lru_cache(maxsize=100)
def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise GraphQLError(f"{text!r} is no time", extensions={"code": "BAD_REQUEST"}) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
