"""
Changes of what listings say: prepare them (read, judge, compare), approve or reject them. ``listing_sending`` sends what is approved.

Nothing is written to a channel here. A change that must not go is stored all the same, with its reasons: it stands alone and delays nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from inventory_sync.alerts.services import resolve_alert
from inventory_sync.domain.listing_changes import (
    ChangeKind,
    Composed,
    FieldProblem,
    ListingContent,
    ListingWriter,
    differences,
)
from inventory_sync.domain.snapshots import Fulfilment, ListingIds
from inventory_sync.engine import wake
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.offer_facts import judge_facts
from skumap.models import ChannelAccount, Listing, Sku

State = ListingChange.State
MOST_WISHES = 200
STOPPED_ALERT = "listing_change_stopped"


class ChangeError(ValueError):
    """It can't be done as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What somebody wants of one SKU on one account. Money is in rupees; None: as the listing says, or as the SKU does.

    :ivar listing_id: the listing to change; None for a new one, whose ``seller_sku`` ("": the SKU's code) and FSN are then needed.
    """

    sku_id: int
    listing_id: int | None = None
    seller_sku: str = ""
    product_id: str = ""
    price: Decimal | None = None
    mrp: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """``changes`` wait for approval, those with reasons against them among them; ``skipped`` says what was not prepared, and why."""

    changes: tuple[ListingChange, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does it: a person, or a program by its key's name."""

    user: Any = None
    via: str = ""


def writer_of(context: AccountContext, *, kind: ChangeKind) -> ListingWriter:
    """:raises ChangeError: the channel's listings are not changed that way from here."""
    writer = context.adapter.listings
    if writer is None or kind not in writer.kinds:
        words = ListingChange.WORDS[kind].lower()
        raise ChangeError(f"{context.account.get_channel_display()} takes no such change from here ({words})")
    return writer


# --- what to change -------------------------------------------------------------------------------------------------------------------


def wishes_for(*, account: ChannelAccount, kind: ChangeKind, skus: Iterable[Sku]) -> tuple[list[Wish], list[str]]:
    """
    For each SKU what would usually be wanted, prices and FSN filled in as far as they are known, and what is skipped.

    A new listing takes its price from the SKU's Shopify listing and its FSN from another Flipkart account that sells the same goods.
    """
    wishes, skipped = [], []
    for sku in skus:
        live = list(Listing.objects.filter(account=account, sku=sku, vanished_at__isnull=True).order_by("key"))
        if kind is ChangeKind.CREATE:
            single = next((row for row in live if row.units_per_sale == 1), None)
            if single is not None:
                skipped.append(f"{sku} has the listing {single} there already.")
            else:
                wishes.append(_new(account, sku))
        elif live:
            wishes += [
                Wish(
                    sku_id=sku.pk,
                    listing_id=row.pk,
                    seller_sku=row.seller_sku or row.key,
                    product_id=row.product_id,
                    price=row.price,
                    mrp=_mrp(sku, row),
                )
                for row in live
            ]
        else:
            skipped.append(f"{sku} has no listing there.")
    return wishes, skipped


def _new(account: ChannelAccount, sku: Sku) -> Wish:
    elsewhere = Listing.objects.filter(sku=sku, units_per_sale=1)
    shop = elsewhere.filter(account__channel="shopify", vanished_at__isnull=True, price__isnull=False).first()
    twin = elsewhere.filter(account__channel=account.channel).exclude(product_id="").order_by("-pulled_at").first()
    own = sku.attributes if isinstance(sku.attributes, dict) else {}
    return Wish(
        sku_id=sku.pk,
        seller_sku=sku.code,
        product_id=twin.product_id if twin else str(own.get("fsn") or ""),
        price=shop.price if shop else None,
        mrp=sku.mrp,
    )


def _mrp(sku: Sku, listing: Listing) -> Decimal | None:
    return sku.mrp if sku.mrp is not None and listing.units_per_sale == 1 else listing.mrp


# --- prepare --------------------------------------------------------------------------------------------------------------------------


def prepare(
    *, account_id: int, kind: ChangeKind, wishes: Sequence[Wish], now: datetime, actor: Actor | None = None
) -> Prepared:
    """
    Read the listings as they are, work out what they would say, and store the differences for approval.

    A draft of the same seller SKU is replaced. What would change nothing is skipped.

    :raises ChangeError: too many wishes, or a channel that takes no such change. :raises ChannelError: the listings can't be read.
    """
    context = context_of(account_id)
    writer = writer_of(context, kind=kind)
    if not 0 < len(wishes) <= MOST_WISHES:
        raise ChangeError(f"prepare 1 to {MOST_WISHES} listings at a time, not {len(wishes)}")
    drafts, skipped = _drafts(context, kind, wishes, now=now, actor=actor or Actor())
    current: dict[str, ListingContent] = {}
    for start in range(0, len(drafts), writer.batch_size):
        current |= writer.read([ids_of_change(draft) for draft in drafts[start : start + writer.batch_size]])
    stored = []
    for draft in drafts:
        fill(draft, current=current.get(key_of(draft)), writer=writer, now=now)
        if not draft.diff and not draft.problems:
            skipped.append(f"{draft.seller_sku} says all of that already.")
            continue
        reason = _store(draft, now=now)
        if reason:
            skipped.append(reason)
        else:
            stored.append(draft)
    return Prepared(changes=tuple(stored), skipped=tuple(skipped))


def _drafts(
    context: AccountContext, kind: ChangeKind, wishes: Sequence[Wish], *, now: datetime, actor: Actor
) -> tuple[list[ListingChange], list[str]]:
    skus = Sku.objects.select_related("category", "profile").in_bulk([wish.sku_id for wish in wishes])
    listings = (
        Listing.objects.select_related("account", "sku__category", "sku__profile")
        .filter(account=context.account)
        .in_bulk([wish.listing_id for wish in wishes if wish.listing_id])
    )
    drafts: dict[str, ListingChange] = {}
    skipped = []
    for wish in wishes:
        sku, listing = skus.get(wish.sku_id), listings.get(wish.listing_id or 0)
        if sku is None or (kind is not ChangeKind.CREATE and (listing is None or listing.sku_id != sku.pk)):
            skipped.append(f"{sku or 'A SKU that is gone'}: there is no such listing of it on this account.")
            continue
        new = kind is ChangeKind.CREATE
        seller_sku = wish.seller_sku.strip() or sku.code if new else (listing.seller_sku or listing.key)  # type: ignore[union-attr]
        if seller_sku in drafts:
            skipped.append(f"{seller_sku} was named twice.")
            continue
        drafts[seller_sku] = ListingChange(
            what=kind.value,
            account=context.account,
            sku=sku,
            listing=None if new else listing,
            seller_sku=seller_sku,
            product_id=wish.product_id.strip() if new else listing.product_id,  # type: ignore[union-attr]
            price=wish.price,
            mrp=wish.mrp if wish.mrp is not None else (sku.mrp if new else _mrp(sku, listing)),  # type: ignore[arg-type]
            proposed_at=now,
            proposed_by=actor.user,
            proposed_via=actor.via[:100],
        )
    return list(drafts.values()), skipped


def key_of(change: ListingChange) -> str:
    """The key that the channel knows the listing by."""
    return change.listing.key if change.listing is not None else change.seller_sku


def ids_of_change(change: ListingChange) -> ListingIds:
    return ListingIds(key=key_of(change), seller_sku=change.seller_sku, product_id=change.product_id)


def fill(change: ListingChange, *, current: ListingContent | None, writer: ListingWriter, now: datetime) -> None:
    """Work out a change: what the listing says, what it would say, the differences, and every reason against it."""
    kind = change.kind
    if kind is not ChangeKind.CREATE and current is None:
        words = "The channel does not know this listing any more."
        _set(change, Composed(content={}), [FieldProblem(field="", code="not_there", message=words)])
        return
    snapshot = current.snapshot if current is not None else None
    if change.price is None and snapshot is not None and kind is not ChangeKind.CREATE:
        change.price = snapshot.price
    if change.mrp is None and snapshot is not None and kind is not ChangeKind.CREATE:
        change.mrp = snapshot.mrp
    offer = _offer(change, current)
    judged = judge_facts(offer, kind=kind, price=change.price, mrp=change.mrp, now=now)
    composed = writer.compose(kind, judged.facts, current=current)
    problems = [
        FieldProblem(
            field=writer.fields.get(problem.field, problem.field),
            code=problem.code,
            message=problem.message,
            blocks=problem.blocks,
        )
        for problem in judged.problems
    ]
    problems += [each for each in composed.problems if each not in problems]
    if kind is ChangeKind.CREATE and current is not None:
        words = "The channel has a listing of this seller SKU: to create it again would overwrite it. Prepare an update instead."
        problems.insert(0, FieldProblem(field="", code="exists", message=words))
    elif snapshot is not None and change.product_id and snapshot.ids.product_id not in ("", change.product_id):
        words = f"The listing belongs to the product {snapshot.ids.product_id} now, not {change.product_id}: review its link first."
        problems.insert(0, FieldProblem(field=writer.fields["product_id"], code="product_changed", message=words))
    _set(change, composed, problems)


def _offer(change: ListingChange, current: ListingContent | None) -> Listing:
    """The listing that the change is about; one that is not there yet is made up, and not stored."""
    if change.listing is None:
        return Listing(
            account=change.account,
            key=change.seller_sku,
            seller_sku=change.seller_sku,
            product_id=change.product_id,
            sku=change.sku,
            fulfilment=Fulfilment.NON_FBF,
        )
    offer = copy(change.listing)
    offer.sku = change.sku
    if current is not None:
        offer.fulfilment = current.snapshot.fulfilment.value
        offer.product_type = current.snapshot.product_type or offer.product_type
    return offer


def _set(change: ListingChange, composed: Composed, problems: Sequence[FieldProblem]) -> None:
    # As the database gives them back, so that two of them can be compared.
    change.payload = json.loads(json.dumps(composed.content))
    change.before = json.loads(json.dumps(composed.before))
    change.diff = [asdict(each) for each in differences(change.before, change.payload)]
    unique = dict.fromkeys(problems)
    change.problems = [asdict(problem) for problem in unique]


def stopped_key(change: ListingChange) -> str:
    """By which an approved change that was not made is an alert."""
    return f"{change.account_id}:{change.seller_sku}"


def _store(draft: ListingChange, *, now: datetime) -> str:
    """Store a draft in place of an older one. :return: why it can't be, "" when it is."""
    try:
        with transaction.atomic():
            rows = ListingChange.objects.select_for_update().filter(
                account=draft.account, seller_sku=draft.seller_sku, state__in=ListingChange.OPEN
            )
            for row in rows:
                if row.state != State.DRAFT:
                    return f"{draft.seller_sku}: another change of it is open ({row.get_state_display().lower()})."
                row.state, row.note, row.settled_at = State.REFUSED, "A newer change took its place.", now
                row.save(update_fields=["state", "note", "settled_at"])
            draft.save()
            resolve_alert(kind=STOPPED_ALERT, key=stopped_key(draft), now=now)
    except IntegrityError:
        return f"{draft.seller_sku}: somebody else is just preparing a change of it."
    return ""


# --- decide ---------------------------------------------------------------------------------------------------------------------------


def approve(*, change_ids: Iterable[int], now: datetime, actor: Actor) -> tuple[list[ListingChange], list[str]]:
    """
    Approve drafts; they are sent as soon as the account's call budget allows, and only as they were seen.

    :return: what is approved, and in sentences what is not.
    """
    approved, refused = [], []
    with transaction.atomic():
        rows = ListingChange.objects.select_for_update(of=("self",)).select_related("account")
        for change in rows.filter(pk__in=list(change_ids)).order_by("id"):
            if change.state != State.DRAFT:
                refused.append(f"{change}: {change.get_state_display().lower()}.")
            elif change.blocking:
                refused.append(f"{change}: {change.blocking[0]['message']}")
            else:
                _decide(change, State.APPROVED, now=now, actor=actor)
                approved.append(change)
        for account_id in {change.account_id for change in approved}:
            wake.after_commit("send_changes", account_id)
    return approved, refused


def reject(*, change_ids: Iterable[int], now: datetime, actor: Actor, reason: str = "") -> list[ListingChange]:
    """Say no to drafts, and to approved ones that are not on their way yet."""
    rejected = []
    with transaction.atomic():
        rows = ListingChange.objects.select_for_update().filter(
            pk__in=list(change_ids), state__in=[State.DRAFT, State.APPROVED]
        )
        for change in rows.order_by("id"):
            _decide(change, State.REFUSED, now=now, actor=actor, note=reason or "Rejected.")
            rejected.append(change)
    return rejected


def _decide(change: ListingChange, state: str, *, now: datetime, actor: Actor, note: str = "") -> None:
    change.state, change.note = state, note[:500]
    change.decided_at, change.decided_by, change.decided_via = now, actor.user, actor.via[:100]
    change.settled_at = now if state == State.REFUSED else None
    change.next_attempt_at = None
    resolve_alert(kind=STOPPED_ALERT, key=stopped_key(change), now=now)
    change.save(
        update_fields=["state", "note", "decided_at", "decided_by", "decided_via", "settled_at", "next_attempt_at"]
    )
