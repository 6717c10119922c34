"""The Shopify adapter: glue between the engine's port and the client. No decision about stock is made here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from channels_shopify import mapping, settings, webhooks
from channels_shopify.auth import ShopifyAuth, shop_domain, webhook_secrets
from channels_shopify.client import LEVEL_IDS, MAX_ROWS, ShopifyClient
from channels_shopify.errors import CHANNEL, user_error, user_errors
from channels_shopify.order_mapping import merge_lines, order_from_graph
from channels_shopify.quantities import QuantityWriter, batch_key, outcome_of
from channels_shopify.subscriptions import subscribe
from channels_shopify.values import as_map, digits, flag, gid, moment, next_cursor, nodes
from inventory_sync.domain.errors import ChannelError, NotWritableError, SetupError
from inventory_sync.domain.ports import (
    Account,
    BulkJob,
    Delivery,
    DeliveryCheck,
    Identity,
    InboundEvent,
    LevelChange,
    ListingPage,
    PollPage,
    Ports,
    PushOutcome,
    PushResult,
    QueueMessage,
    RowRef,
    Share,
    StockReading,
    StockUpdate,
    StreamSpec,
    WriteKind,
)
from inventory_sync.domain.snapshots import (
    Channel,
    Hazard,
    ListingIds,
    ListingSnapshot,
    LocationQuantity,
    LocationSnapshot,
    OrderSnapshot,
    Source,
)
from inventory_sync.http import BudgetPlan

Item = TypeVar("Item")

ANCHOR_AFTER_PAGES = 100
"""Paging reaches 25,000 objects at most: after so many pages a poll begins a new query at the last order it saw."""
ANCHOR_AFTER_VARIANTS = 20_000


class ShopifyAdapter:
    """One shop. Implements :class:`~inventory_sync.domain.ports.ChannelAdapter`."""

    channel: ClassVar[Channel] = Channel.SHOPIFY
    write_kind: ClassVar[WriteKind] = WriteKind.CAS
    defaults: ClassVar[Mapping[str, Any]] = settings.DEFAULTS

    def __init__(self, *, account: Account, ports: Ports) -> None:
        own = {name: value for name, value in account.settings.items() if value not in (None, "")}
        self._settings: Mapping[str, Any] = {**settings.DEFAULTS, **own}
        self._account = account
        self._ports = ports

    @staticmethod
    def budget_plan(values: Mapping[str, Any], *, workers: int) -> BudgetPlan:
        """The call budget that an account with these settings has."""
        return settings.budget_plan(values, workers=workers)

    # --- connection -----------------------------------------------------------------------------------------------------------

    def identify(self) -> Identity:
        data = self._client.shop_info().data
        return mapping.identity(data, required_scopes=settings.words(self._settings, "scopes"))

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        return self._auth.authorize_url(state=state, redirect_uri=redirect_uri)

    def exchange_code(self, *, code: str, state: str, redirect_uri: str, query: Mapping[str, str]) -> Identity:
        """``query`` is the whole query of the callback; the engine has compared ``state`` with the one it gave."""
        self._auth.exchange_code(code=code, query=query)
        return self.identify()

    def subscribe(self, *, callback_url: str) -> list[str]:
        existing = self._pages(lambda cursor: self._client.webhooks_page(cursor=cursor).part("webhookSubscriptions"))
        version = str(self._settings["api_version"])
        return subscribe(client=self._client, existing=existing, callback_url=callback_url, version=version)

    # --- catalogue --------------------------------------------------------------------------------------------------------------

    def locations(self) -> list[LocationSnapshot]:
        pages = self._pages(lambda cursor: self._client.locations_page(cursor=cursor).part("locations"))
        return [mapping.location(node) for node in pages]

    def pull_listings(self, *, cursor: str = "", first: Sequence[str] = ()) -> Iterator[ListingPage]:
        """
        All variants in the order of their ids. ``cursor`` is ``<anchor id>|<variants since then>|<the shop's own cursor>``: paging reaches
        25,000 objects at most, so from time to time it begins anew behind an anchor.
        """
        anchor, _, rest = cursor.partition("|")
        counted, _, shops_cursor = rest.partition("|")
        since_anchor = int(counted or 0)
        while True:
            answer = self._client.variants_page(
                first=self._page_size("variants_page_size"),
                cursor=shops_cursor or None,
                query=f"id:>{anchor}" if anchor else None,
                share=Share.BULK,
            )
            connection = answer.part("productVariants")
            variants = nodes(connection)
            shops_cursor, since_anchor = next_cursor(connection), since_anchor + len(variants)
            more = bool(shops_cursor)
            if more and since_anchor >= ANCHOR_AFTER_VARIANTS:
                anchor, since_anchor, shops_cursor = digits(variants[-1].get("id")), 0, ""
            listings = tuple(self._with_levels(variants, share=Share.BULK))
            yield ListingPage(listings=listings, cursor=f"{anchor}|{since_anchor}|{shops_cursor}" if more else "")
            if not more:
                return

    def read_listings(self, listings: Sequence[ListingIds]) -> list[ListingSnapshot]:
        """Deleted variants are left out."""
        found: list[ListingSnapshot] = []
        keys = list(dict.fromkeys(each.key for each in listings if each.key))
        for chunk in _chunks(keys, LEVEL_IDS):
            ids = [gid("ProductVariant", key) for key in chunk]
            answer = self._client.variants_by_id(ids=ids, share=Share.READ)
            variants = [node for node in nodes(answer.data.get("nodes")) if node.get("id")]
            found += self._with_levels(variants, share=Share.READ)
        return found

    def fix_hazard(self, *, listing: ListingIds, hazard: Hazard) -> None:
        if hazard is Hazard.CONTINUES_SELLING:
            answer = self._client.stop_overselling(
                product_id=gid("Product", listing.product_id), variant_id=gid("ProductVariant", listing.key)
            )
            payload = answer.part("productVariantsBulkUpdate")
        elif hazard is Hazard.UNTRACKED:
            answer = self._client.track_item(item_id=gid("InventoryItem", listing.listing_ref))
            payload = answer.part("inventoryItemUpdate")
        else:
            raise NotWritableError(f"{hazard} can only be settled in the shop itself", channel=CHANNEL)
        for code, message, _ in user_errors(payload):
            raise user_error(code=code, message=message, request_id=answer.response.request_id)

    def _with_levels(self, variants: Sequence[Mapping[str, Any]], *, share: Share) -> list[ListingSnapshot]:
        """Variants with what they show at every active location."""
        items = [ids for each in variants if (ids := mapping.listing_ids(each).listing_ref)]
        levels: dict[str, dict[str, LocationQuantity]] = defaultdict(dict)
        for place in self._known_locations:
            if not place.active:
                continue
            for chunk in _chunks(items, LEVEL_IDS):
                answer = self._client.levels(
                    item_ids=[gid("InventoryItem", item) for item in chunk],
                    location_id=gid("Location", place.location_id),
                    share=share,
                )
                for item_id, item in mapping.items_by_id(answer.data.get("nodes")).items():
                    shown = mapping.level_quantity(item, location_id=place.location_id)
                    if shown is not None:
                        levels[item_id][place.location_id] = shown
        managed = frozenset(place.location_id for place in self._known_locations if place.managed)
        return [
            mapping.listing(each, levels=levels[mapping.listing_ids(each).listing_ref], managed=managed)
            for each in variants
        ]

    # --- quantities ---------------------------------------------------------------------------------------------------------------

    @property
    def batch_size(self) -> int:
        return min(self._page_size("batch_size"), MAX_ROWS)

    def push_stock(self, updates: Sequence[StockUpdate]) -> list[PushOutcome]:
        return self._push(updates, at_most=self.batch_size)

    def _push(self, updates: Sequence[StockUpdate], *, at_most: int) -> list[PushOutcome]:
        try:
            writer = self._writer
        except ChannelError as error:  # the account's address or credentials can't be used
            return [outcome_of(update, error) for update in updates]
        return writer.push(updates, at_most=at_most)

    def read_stock(self, rows: Sequence[RowRef]) -> list[StockReading]:
        by_place: dict[str, list[RowRef]] = defaultdict(list)
        for row in rows:
            by_place[row.location_id].append(row)
        readings: list[StockReading] = []
        for place, wanted in by_place.items():
            for chunk in _chunks(wanted, LEVEL_IDS):
                ids = list(dict.fromkeys(row.listing.listing_ref for row in chunk if row.listing.listing_ref))
                began_at, items = self._ports.clock.now(), {}
                if ids:
                    answer = self._client.levels(
                        item_ids=[gid("InventoryItem", item) for item in ids],
                        location_id=gid("Location", place),
                        share=Share.READ,
                    )
                    began_at, items = answer.response.started_at, mapping.items_by_id(answer.data.get("nodes"))
                readings += [
                    mapping.reading(row, items.get(row.listing.listing_ref), began_at=began_at) for row in chunk
                ]
        return readings

    @property
    def listings(self) -> None:
        """A product is edited in Shopify: it is where the goods come from."""
        return

    @property
    def bulk_size(self) -> int:
        return min(max(int(settings.number(self._settings, "bulk_size")), 0), MAX_ROWS)

    def start_bulk(self, updates: Sequence[StockUpdate]) -> BulkJob:
        """Up to 250 comparisons in one call, all or none; the job is done when the call is."""
        outcomes = self._push(updates, at_most=self.bulk_size)
        return BulkJob(ref=batch_key(updates) if updates else "", done=True, outcomes=tuple(outcomes))

    def check_bulk(self, *, ref: str, updates: Sequence[StockUpdate]) -> BulkJob:
        """Only asked when the process died in the call: nobody knows what became of it."""
        words = "the process ended before the answer came"
        outcomes = tuple(
            PushOutcome(row_id=update.row.row_id, result=PushResult.UNKNOWN, message=words) for update in updates
        )
        return BulkJob(ref=ref, done=True, outcomes=outcomes)

    # --- what happened --------------------------------------------------------------------------------------------------------------

    def streams(self) -> Sequence[StreamSpec]:
        every, sale = (settings.number(self._settings, name) for name in ("poll_seconds", "sale_poll_seconds"))
        levels, sale_levels = (
            settings.number(self._settings, name) for name in ("level_poll_seconds", "sale_level_poll_seconds")
        )
        return (
            StreamSpec(name="orders", every_seconds=every, sale_seconds=sale, watermark=True),
            StreamSpec(name="levels", every_seconds=levels, sale_seconds=sale_levels),
        )

    def poll(self, *, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        begun = min(now, self._ports.clock.now())
        first = begun - timedelta(days=settings.number(self._settings, "first_poll_days"))
        overlap = timedelta(seconds=settings.number(self._settings, "order_overlap_seconds"))
        start = since - overlap if since is not None else first
        complete_until = begun - timedelta(seconds=settings.number(self._settings, "index_delay_seconds"))
        if stream == "orders":
            yield from self._poll_orders(start, complete_until)
        elif stream == "levels":
            yield from self._poll_levels(start, complete_until)
        else:
            raise SetupError(f"Shopify has no stream {stream!r}", channel=CHANNEL)

    def _poll_orders(self, start: datetime, complete_until: datetime) -> Iterator[PollPage]:
        """No status filter: cancelled and closed orders would be lost."""
        confirm_open = flag(self._settings["read_order_locations"])
        cursor, pages = None, 0
        while True:
            answer = self._client.orders_page(
                first=self._page_size("orders_page_size"), cursor=cursor, query=_since(start)
            )
            connection = answer.part("orders")
            orders = tuple(
                order_from_graph(
                    node,
                    source=Source.POLL,
                    request_started_at=answer.response.started_at,
                    confirm_open=confirm_open,
                )
                for node in nodes(connection)
            )
            cursor, pages = next_cursor(connection) or None, pages + 1
            yield PollPage(orders=orders, complete_until=None if cursor else complete_until)
            if cursor is None:
                return
            newest = max((order.updated_at for order in orders if order.updated_at), default=start)
            if pages % ANCHOR_AFTER_PAGES == 0 and newest - timedelta(seconds=1) > start:
                start, cursor = newest - timedelta(seconds=1), None

    def _poll_levels(self, start: datetime, complete_until: datetime) -> Iterator[PollPage]:
        """Levels that changed, of every location that we may write: what a lost webhook would have said."""
        places = [place for place in self.locations() if place.managed and place.active]
        for place in places:
            cursor: str | None = None
            while True:
                answer = self._client.levels_changed(
                    location_id=gid("Location", place.location_id), cursor=cursor, query=_since(start)
                )
                connection = as_map(answer.data.get("location")).get("inventoryLevels")
                changed = tuple(
                    LevelChange(
                        listing_ref=digits(as_map(node.get("item")).get("id")),
                        location_id=place.location_id,
                        at=moment(node.get("updatedAt")),
                    )
                    for node in nodes(connection)
                )
                cursor = next_cursor(connection) or None
                last = cursor is None and place is places[-1]
                yield PollPage(levels=changed, complete_until=complete_until if last else None)
                if cursor is None:
                    break

    def fetch_orders(self, keys: Sequence[str]) -> list[OrderSnapshot]:
        """Orders by id, with the locations that ship them. One that the shop no longer shows is left out."""
        found = []
        for key in dict.fromkeys(keys):
            pages: list[OrderSnapshot] = []
            cursor: str | None = None
            while True:
                answer = self._client.order(order_id=gid("Order", key), line_cursor=cursor)
                node = answer.data.get("order")
                if not isinstance(node, Mapping):
                    break
                pages.append(order_from_graph(node, source=Source.READ, request_started_at=answer.response.started_at))
                cursor = next_cursor(node.get("lineItems")) or None
                if cursor is None:
                    break
            if pages:
                found.append(merge_lines(pages))
        return found

    def find_orders(self, *, listing: ListingIds) -> list[OrderSnapshot]:
        """Orders with open units of a listing, of the last days. The shop's search by SKU only narrows it down; ids decide."""
        first = self._ports.clock.now() - timedelta(days=settings.number(self._settings, "first_poll_days"))
        query = f"{_since(first)} status:open"
        if listing.seller_sku and not any(character in listing.seller_sku for character in "'\"\\"):
            query += f" sku:'{listing.seller_sku}'"
        found: list[str] = []
        for node in self._pages(
            lambda cursor: self._client.orders_page(
                first=self._page_size("orders_page_size"), cursor=cursor, query=query, share=Share.READ
            ).part("orders")
        ):
            order = order_from_graph(node, source=Source.POLL, request_started_at=self._ports.clock.now())
            if any(line.listing.key == listing.key for line in order.lines):
                found.append(order.key)
        return self.fetch_orders(found)

    # --- deliveries -----------------------------------------------------------------------------------------------------------------

    def check_delivery(self, delivery: Delivery) -> DeliveryCheck:
        shop = shop_domain(self._account.identity) if self._account.identity else ""
        stale_seconds = settings.number(self._settings, "webhook_stale_seconds")
        return webhooks.check(delivery, shop=shop, secrets=webhook_secrets(self._account), stale_seconds=stale_seconds)

    def parse_delivery(self, delivery: Delivery) -> InboundEvent:
        return webhooks.parse(
            delivery,
            required_scopes=settings.words(self._settings, "scopes"),
            read_locations=flag(self._settings["read_order_locations"]),
        )

    def receive_messages(self, *, wait_seconds: int, limit: int = 10) -> list[QueueMessage]:
        return []

    def delete_messages(self, receipts: Sequence[str]) -> None:
        if receipts:
            raise SetupError("Shopify accounts have no message queue", channel=CHANNEL)

    # --- inside -----------------------------------------------------------------------------------------------------------------------

    @cached_property
    def _auth(self) -> ShopifyAuth:
        return ShopifyAuth.build(account=self._with_defaults, ports=self._ports)

    @cached_property
    def _client(self) -> ShopifyClient:
        return ShopifyClient(account=self._with_defaults, ports=self._ports, auth=self._auth)

    @cached_property
    def _writer(self) -> QuantityWriter:
        return QuantityWriter(
            client=self._client,
            reason=str(self._settings["write_reason"]),
            deadline_seconds=settings.number(self._settings, "write_deadline_seconds"),
        )

    @cached_property
    def _with_defaults(self) -> Account:
        return replace(self._account, settings=self._settings)

    @cached_property
    def _known_locations(self) -> list[LocationSnapshot]:
        return self.locations()

    def _page_size(self, name: str) -> int:
        return max(int(settings.number(self._settings, name)), 1)

    @staticmethod
    def _pages(page: Callable[[str | None], Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The nodes of all pages of a connection."""
        cursor: str | None = None
        while True:
            connection = page(cursor)
            yield from nodes(connection)
            following = next_cursor(connection) or None
            if following is None or following == cursor:
                return
            cursor = following


def _since(moment: datetime) -> str:
    return f"updated_at:>='{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
