"""
What a channel package offers to the engine, and what it needs from above.

The engine knows channels only by :class:`ChannelAdapter`; adapters know storage, budget and time only by the ports below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from inventory_sync.domain.snapshots import (
    Channel,
    Fulfilment,
    Hazard,
    ListingIds,
    ListingSnapshot,
    LocationSnapshot,
    MarketplaceStock,
    OrderSnapshot,
    ReturnSnapshot,
)

if TYPE_CHECKING:
    from inventory_sync.domain.listing_changes import ListingWriter

# --- what adapters need from above ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token and, where the grant has one, its refresh token. Times are UTC; None means "does not expire"."""

    access: str = field(repr=False)
    expires_at: datetime | None
    obtained_at: datetime
    refresh: str = field(default="", repr=False)
    refresh_expires_at: datetime | None = None


class TokenStore(Protocol):
    """Tokens of one account, shared by every process. ``name`` tells several tokens of an account apart (Amazon's grantless one)."""

    def load(self, name: str = "default") -> Token | None: ...

    def lock(self, name: str = "default") -> AbstractContextManager[None]:
        """One refresher at a time, over all processes. Holds no database transaction open."""
        ...

    def save(self, token: Token, *, replaces: Token | None, name: str = "default") -> Token:
        """Compare and set: if the stored token is no longer ``replaces``, the stored one wins and is returned."""
        ...


class Share(StrEnum):
    """Reserved shares of a channel's call budget, so that one kind of work can't starve another."""

    POLL = "poll"
    URGENT = "urgent"
    WRITE = "write"
    READ = "read"
    BULK = "bulk"
    SETUP = "setup"


class RateBudget(Protocol):
    """One account's call budget, shared by all workers."""

    def take(self, *, operation: str, share: Share, cost: float = 1.0) -> None:
        """
        Count one call before it is made.

        :raises BudgetError: nothing left for this operation or share; ``retry_after`` says when to look again.
        """
        ...

    def learn(
        self,
        *,
        operation: str,
        remaining: float | None = None,
        capacity: float | None = None,
        per_second: float | None = None,
    ) -> None:
        """What the channel said of its own bucket (Shopify throttleStatus, x-amzn-RateLimit-Limit)."""
        ...

    def empty(self, *, operation: str, seconds: float) -> None:
        """The channel answered "too many": no call of this operation for so many seconds."""
        ...


class Clock(Protocol):
    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    A seller account as its adapter sees it.

    :ivar identity: who it must turn out to be: Flipkart seller id ("" if unknown), Shopify shop domain, Amazon seller id.
    :ivar api_base: "" means the channel's production address.
    :ivar auth_base: where tokens come from, if not below ``api_base``; "" means the channel's own.
    :ivar settings: the channel's defaults (``ChannelAdapter.defaults``) with this account's own values over them.
    """

    id: int
    channel: Channel
    name: str
    identity: str
    api_base: str
    auth_base: str
    credentials: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything an adapter gets beside its account. ``allow_private_hosts`` lets base URLs point at this machine (sandbox)."""

    tokens: TokenStore
    budget: RateBudget
    clock: Clock
    allow_private_hosts: bool = False


# --- writing and reading quantities ---------------------------------------------------------------------------------------


class WriteKind(StrEnum):
    """``ABSOLUTE`` overwrites whatever the channel shows when it takes effect; ``CAS`` compares first."""

    ABSOLUTE = "absolute"
    CAS = "cas"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRef:
    """One (listing, channel location). ``row_id`` is ours and comes back unchanged."""

    row_id: int
    listing: ListingIds
    fulfilment: Fulfilment
    location_id: str
    product_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockUpdate:
    """
    One quantity to show.

    :ivar compared: for CAS the quantity that must still stand there; None on absolute channels.
    :ivar idempotency_key: stored before the call, new for every newly computed value.
    :ivar share: the budget share that pays for it (URGENT for cuts and drains).
    """

    row: RowRef
    quantity: int
    idempotency_key: str
    compared: int | None = None
    share: Share = Share.WRITE


class PushResult(StrEnum):
    """ACCEPTED in effect or queued; REFUSED, STALE, NOT_SENT for certain not applied; UNKNOWN may be applied."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    STALE = "stale"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOutcome:
    """What became of one update. ``permanent``: refused in a way that the same listing will refuse again (wrong id, not writable)."""

    row_id: int
    result: PushResult
    code: str = ""
    message: str = ""
    warning: str = ""
    request_id: str = ""
    permanent: bool = False
    setup: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReading:
    """
    What the channel says one row shows.

    :ivar quantity: None when the listing or level is missing.
    :ivar began_at: our clock, before the request left.
    :ivar open_units: units of orders that the channel still waits for (Flipkart ``orders_to_be_fulfilled``), None if not said.
    :ivar active: the listing is on sale.
    """

    row_id: int
    quantity: int | None
    began_at: datetime
    open_units: int | None = None
    active: bool | None = None
    enabled: bool | None = None
    hazards: frozenset[Hazard] = frozenset()


# --- reading what happened ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """
    One thing to poll.

    :ivar every_seconds: the usual pace; :ivar sale_seconds: the pace while a sale event is active.
    :ivar watermark: a complete round of it proves that every earlier order is known.
    """

    name: str
    every_seconds: float
    sale_seconds: float
    watermark: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """The quantity of a listing at a location changed on the channel (our own writes are among these); ``at`` None: it does not say when."""

    listing_ref: str
    location_id: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollPage:
    """
    One page of a poll. The engine commits its facts, then asks for the next.

    :ivar changed: order keys that changed and must be read by id (``fetch_orders``) before their counts are trusted.
    :ivar levels: quantities that changed; their rows are read again by id, unless they were read since.
    :ivar complete_until: set on the last page only: every order placed before this instant (our clock) has now been said.
    """

    orders: tuple[OrderSnapshot, ...] = ()
    changed: tuple[str, ...] = ()
    returns: tuple[ReturnSnapshot, ...] = ()
    held: tuple[MarketplaceStock, ...] = ()
    listings: tuple[ListingSnapshot, ...] = ()
    levels: tuple[LevelChange, ...] = ()
    complete_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """
    A webhook, push event or queue message, as it arrived.

    :ivar headers: names in lower case.
    :ivar url: the address that was called, as we know it from the outside ("" for a queue message).
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    received_at: datetime
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCheck:
    """The outcome of checking a delivery. ``stale``: signed by the right party, but too old to be trusted by itself."""

    key: str
    topic: str
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundEvent:
    """
    What a delivery means.

    Orders may be applied as they are (unless ``confirm`` is set on them); ``changed`` orders, ``levels`` and ``listings`` are read again by id.

    :ivar levels: (listing_ref, location_id) whose quantity changed on the channel.
    :ivar gone: listing keys that the channel says were deleted.
    :ivar ignored: why nothing follows from it, "" otherwise.
    """

    topic: str
    occurred_at: datetime | None = None
    orders: tuple[OrderSnapshot, ...] = ()
    changed: tuple[str, ...] = ()
    returns: tuple[ReturnSnapshot, ...] = ()
    changed_returns: tuple[str, ...] = ()
    levels: tuple[tuple[str, str], ...] = ()
    listings: tuple[ListingIds, ...] = ()
    gone: tuple[str, ...] = ()
    held: tuple[MarketplaceStock, ...] = ()
    jobs: tuple[str, ...] = ()
    setup_problem: str = ""
    ignored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """One message from a notification queue; ``receipt`` deletes it once its delivery is stored."""

    delivery: Delivery
    receipt: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the credentials turned out to belong to. ``missing`` names permissions that the product needs and the token lacks."""

    identity: str
    name: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """
    One page of a listing pull; ``cursor`` continues after it, "" at the end.

    :ivar total: listings that the account has, where the channel says so beforehand. :ivar calls_left: calls that the rest of the pull needs.
    """

    listings: tuple[ListingSnapshot, ...]
    cursor: str = ""
    total: int | None = None
    calls_left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkJob:
    """A remote job (Amazon feed, Shopify bulk): ``done`` False means ask again later."""

    ref: str
    done: bool
    failed: bool = False
    outcomes: tuple[PushOutcome, ...] = ()
    message: str = ""


class ChannelAdapter(Protocol):
    """
    One seller account on one channel.

    Every method may raise a :class:`~inventory_sync.domain.errors.ChannelError`, except where it says that failures come back as values.
    None of them opens a database transaction, and none retries a quantity write.
    """

    channel: ClassVar[Channel]
    write_kind: ClassVar[WriteKind]
    defaults: ClassVar[
        Mapping[str, Any]
    ]  # every account setting with its default; times in seconds unless the name says otherwise

    def __init__(self, *, account: Account, ports: Ports) -> None: ...

    # connection
    def identify(self) -> Identity: ...

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        """Where to send the seller's browser to connect. :raises SetupError: this account does not connect that way."""
        ...

    def exchange_code(self, *, code: str, state: str, redirect_uri: str, query: Mapping[str, str]) -> Identity: ...

    def subscribe(self, *, callback_url: str) -> list[str]:
        """Create or repair webhook subscriptions / queue destinations; one human-readable line for each thing found or done."""
        ...

    # catalogue
    def locations(self) -> list[LocationSnapshot]: ...

    def pull_listings(self, *, cursor: str = "", first: Sequence[str] = ()) -> Iterator[ListingPage]:
        """Every listing. ``first``: seller SKUs to begin with, where reading them takes many calls; it counts at the start of a pull only."""
        ...

    def read_listings(self, listings: Sequence[ListingIds]) -> list[ListingSnapshot]: ...

    def fix_hazard(self, *, listing: ListingIds, hazard: Hazard) -> None: ...

    # what listings say
    @property
    def listings(self) -> ListingWriter | None:
        """How listings are created and changed; None where that is not done from here."""
        ...

    # quantities
    @property
    def batch_size(self) -> int:
        """Most updates that one ``push_stock`` call may carry."""
        ...

    def push_stock(self, updates: Sequence[StockUpdate]) -> list[PushOutcome]:
        """One call, no retry, 30 s at most. Never raises for the channel's failures: they come back as outcomes, one for each update."""
        ...

    def read_stock(self, rows: Sequence[RowRef]) -> list[StockReading]: ...

    # bulk writes, where the channel has them (``bulk_size`` 0: it does not)
    @property
    def bulk_size(self) -> int: ...

    def start_bulk(self, updates: Sequence[StockUpdate]) -> BulkJob: ...

    def check_bulk(self, *, ref: str, updates: Sequence[StockUpdate]) -> BulkJob: ...

    # what happened
    def streams(self) -> Sequence[StreamSpec]: ...

    def poll(self, *, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        """All pages of one round. ``since`` is the last round's ``complete_until``; the adapter adds its own overlap. None: first round."""
        ...

    def fetch_orders(self, keys: Sequence[str]) -> list[OrderSnapshot]: ...

    def find_orders(self, *, listing: ListingIds) -> list[OrderSnapshot]:
        """Open orders of one listing, read now (to find one that was missed)."""
        ...

    # deliveries
    def check_delivery(self, delivery: Delivery) -> DeliveryCheck:
        """Who sent it, under which unique key. :raises SignatureError: not signed by a secret we know."""
        ...

    def parse_delivery(self, delivery: Delivery) -> InboundEvent: ...

    def receive_messages(self, *, wait_seconds: int, limit: int = 10) -> list[QueueMessage]:
        """Messages of the account's notification queue; [] where there is none configured."""
        ...

    def delete_messages(self, receipts: Sequence[str]) -> None: ...
