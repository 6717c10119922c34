"""Flipkart for the engine: glue between the ports and this package, no decisions about stock."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

from channels_flipkart import polling, webhooks
from channels_flipkart.auth import TokenSource
from channels_flipkart.catalogue import is_active, locations_of, read_locations
from channels_flipkart.client import FlipkartClient
from channels_flipkart.errors import CHANNEL, error_of
from channels_flipkart.paging import open_shipments, seller_in
from channels_flipkart.pushing import push
from channels_flipkart.reading import PullCursor, details_of, orders_by_id, pull_listings, snapshots_of
from channels_flipkart.settings import Settings, budget_plan, default_settings
from channels_flipkart.writing import FlipkartListings
from inventory_sync.domain.errors import (
    ContractError,
    CredentialsError,
    NotWritableError,
    RejectedError,
    SetupError,
)
from inventory_sync.domain.ports import (
    Account,
    BulkJob,
    Delivery,
    DeliveryCheck,
    Identity,
    InboundEvent,
    ListingPage,
    PollPage,
    Ports,
    PushOutcome,
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
    LocationSnapshot,
    OrderSnapshot,
)
from inventory_sync.http import ApiClient

logger = logging.getLogger(__name__)

PRODUCTION = "https://api.flipkart.net"


class FlipkartAdapter:
    """
    One Flipkart seller account.

    Credentials: ``client_id`` and ``client_secret`` (Flipkart: application id and secret); for a third-party application tokens come by
    :meth:`authorize_url` and :meth:`exchange_code`.
    """

    channel: ClassVar[Channel] = Channel.FLIPKART
    write_kind: ClassVar[WriteKind] = WriteKind.ABSOLUTE
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(default_settings())
    budget_plan = staticmethod(budget_plan)

    def __init__(self, *, account: Account, ports: Ports) -> None:
        self._account = account
        self._ports = ports
        self._settings = Settings.read(account.settings)
        api_base = _base(account.api_base or PRODUCTION, without=self._settings.rest_prefix)
        auth_base = _base(account.auth_base or api_base, without=self._settings.oauth_prefix)
        self._tokens = TokenSource(
            account=account,
            settings=self._settings,
            tokens=ports.tokens,
            clock=ports.clock,
            client=self._http(auth_base),
        )
        self._client = FlipkartClient(
            http=self._http(api_base),
            tokens=self._tokens,
            settings=self._settings,
            budget=ports.budget,
            clock=ports.clock,
        )

    def _http(self, base_url: str) -> ApiClient:
        settings = self._settings
        return ApiClient(
            channel=CHANNEL,
            base_url=base_url,
            budget=self._ports.budget,
            clock=self._ports.clock,
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            allow_private_hosts=self._ports.allow_private_hosts,
            error_mapper=error_of,
            retry_base_seconds=settings.retry_base_seconds,
            retry_cap_seconds=settings.retry_cap_seconds,
        )

    # --- connection ---

    def identify(self) -> Identity:
        """
        Prove that the credentials work. No call of Flipkart's says who the seller is; a page cursor usually does.

        :return: the seller id found, else the one that the account claims ("" if neither is known).
        """
        query = open_shipments()[0]
        page = self._client.filter_shipments(query.body(page_size=1), share=Share.SETUP)
        return Identity(identity=seller_in(page.cursor) or self._account.identity, name=self._account.name)

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        return self._tokens.authorize_url(state=state, redirect_uri=redirect_uri)

    def exchange_code(self, *, code: str, state: str, redirect_uri: str, query: Mapping[str, str]) -> Identity:
        if query.get("error"):
            raise CredentialsError(f"the seller did not allow the connection: {query['error'][:100]}", channel=CHANNEL)
        if query.get("state", state) != state:
            raise CredentialsError("the answer belongs to another connection attempt", channel=CHANNEL)
        self._tokens.exchange_code(code=code, state=state, redirect_uri=redirect_uri)
        return self.identify()

    def subscribe(self, *, callback_url: str) -> list[str]:
        """Flipkart has no call that registers a receiver: say what to ask for (contract, section 8.1)."""
        url = self._settings.push_url or callback_url
        lines = [
            "Flipkart switches notifications on by hand: open a ticket with seller API support and name your seller id, "
            "the application id, every location id, and whether you want returns as well.",
            f"Ask them to register exactly this address: {url}",
            "They will ask for a VAPT certificate of the receiver (and an NDA), and take 7 to 10 working days.",
        ]
        if self._settings.push_url and self._settings.push_url != callback_url:
            lines.append(f"Note: the setting push_url differs from this installation's own address {callback_url}")
        if not self._settings.push_url:
            lines.append(
                "Then store the same address, byte for byte, in the setting push_url: it is part of the signature."
            )
        lines.append("Until then orders come by polling alone, which is always on.")
        return lines

    # --- catalogue ---

    def locations(self) -> list[LocationSnapshot]:
        """From the location list; where there is none (it is not documented), from what some listings name."""
        held = self._settings.marketplace_locations
        try:
            found = read_locations(self._client.locations(), marketplace_locations=held)
        except CredentialsError:
            raise
        except (RejectedError, SetupError) as error:
            logger.info("flipkart: no location list, learning from listings: %s", error)
            found = []
        return found or read_locations(self._learned_locations(), marketplace_locations=held)

    def _learned_locations(self) -> list[dict[str, str]]:
        wanted, names = self._settings.location_learn_skus, dict[str, None]()
        looked = 0
        at = PullCursor(total=0)  # nobody asks how many there are
        for page in pull_listings(self._client, cursor=at.write(), settings=self._settings):
            names.update((location.location_id, None) for listing in page.listings for location in listing.locations)
            looked += len(page.listings)
            if looked >= wanted:
                break
        return [{"id": name} for name in names]

    def pull_listings(self, *, cursor: str = "", first: Sequence[str] = ()) -> Iterator[ListingPage]:
        return pull_listings(self._client, cursor=cursor, first=first, settings=self._settings)

    def read_listings(self, listings: Sequence[ListingIds]) -> list[ListingSnapshot]:
        """Those that Flipkart does not know are missing."""
        skus = list(dict.fromkeys(listing.key for listing in listings if listing.key))
        return list(snapshots_of(self._client, skus, settings=self._settings, share=Share.READ).values())

    def fix_hazard(self, *, listing: ListingIds, hazard: Hazard) -> None:
        raise NotWritableError(f"{hazard} is nothing that Flipkart knows (listing {listing.key})", channel=CHANNEL)

    # --- quantities ---

    @property
    def listings(self) -> FlipkartListings:
        return FlipkartListings(
            client=self._client, tokens=self._tokens, settings=self._settings, clock=self._ports.clock
        )

    @property
    def batch_size(self) -> int:
        return self._settings.listing_batch

    def push_stock(self, updates: Sequence[StockUpdate]) -> list[PushOutcome]:
        return push(updates, client=self._client, tokens=self._tokens, settings=self._settings, clock=self._ports.clock)

    def read_stock(self, rows: Sequence[RowRef]) -> list[StockReading]:
        """One reading for each row that could be read; quantity None where listing or location is missing."""
        by_sku: dict[str, list[RowRef]] = {}
        for row in rows:
            by_sku.setdefault(row.listing.key, []).append(row)
        by_sku.pop("", None)
        readings = []
        for details, began_at in details_of(self._client, list(by_sku), settings=self._settings, share=Share.READ):
            for sku in details.absent & by_sku.keys():
                readings += [StockReading(row_id=row.row_id, quantity=None, began_at=began_at) for row in by_sku[sku]]
            for sku in details.available.keys() & by_sku.keys():
                listing = details.available[sku]
                levels = {level.location_id: level for level in locations_of(listing)}
                for row in by_sku[sku]:
                    level = levels.get(row.location_id)
                    readings.append(
                        StockReading(
                            row_id=row.row_id,
                            quantity=level.quantity if level else None,
                            began_at=began_at,
                            open_units=details.open_units.get(sku),
                            active=is_active(listing),
                            enabled=level.enabled if level else None,
                        )
                    )
        return readings

    # --- bulk writes: Flipkart has none ---

    @property
    def bulk_size(self) -> int:
        return 0

    def start_bulk(self, updates: Sequence[StockUpdate]) -> BulkJob:
        raise SetupError("Flipkart has no bulk writes; use push_stock", channel=CHANNEL)

    def check_bulk(self, *, ref: str, updates: Sequence[StockUpdate]) -> BulkJob:
        raise SetupError("Flipkart has no bulk writes; use push_stock", channel=CHANNEL)

    # --- what happened ---

    def streams(self) -> Sequence[StreamSpec]:
        return polling.streams(self._settings)

    def poll(self, *, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        match stream:
            case polling.ORDERS:
                return polling.poll_orders(self._client, since=since, now=now, settings=self._settings)
            case polling.RETURNS:
                return polling.poll_returns(self._client, since=since, now=now, settings=self._settings)
            case polling.SWEEP:
                return polling.poll_sweep(self._client, now=now, settings=self._settings)
            case _:
                raise RejectedError(f"Flipkart has no stream {stream!r}", channel=CHANNEL)

    def fetch_orders(self, keys: Sequence[str]) -> list[OrderSnapshot]:
        """Shipments by id, complete; those that Flipkart does not know are missing."""
        shipment_ids = list(dict.fromkeys(key.strip() for key in keys if key.strip()))
        return orders_by_id(self._client, shipment_ids, settings=self._settings)

    def find_orders(self, *, listing: ListingIds) -> list[OrderSnapshot]:
        now = self._ports.clock.now()
        pages = [
            page
            for query in open_shipments(sku=listing.key)
            for page in polling.shipment_pages(self._client, query, settings=self._settings, now=now, share=Share.READ)
        ]
        return self.fetch_orders(polling.named_shipments(pages))

    # --- deliveries ---

    def check_delivery(self, delivery: Delivery) -> DeliveryCheck:
        stale = webhooks.verify(
            headers=delivery.headers,
            app_id=self._tokens.app_id,
            secret=self._tokens.app_secret,
            url=self._settings.push_url or delivery.url,
            received_at=delivery.received_at,
            max_age_seconds=self._settings.push_max_age_seconds,
        )
        return webhooks.delivery_check(delivery.body, stale=stale)

    def parse_delivery(self, delivery: Delivery) -> InboundEvent:
        return webhooks.parse(delivery.body, received_at=delivery.received_at)

    def receive_messages(self, *, wait_seconds: int, limit: int = 10) -> list[QueueMessage]:
        return []

    def delete_messages(self, receipts: Sequence[str]) -> None:
        if receipts:
            raise ContractError("Flipkart has no notification queue", channel=CHANNEL)


def _base(url: str, *, without: str) -> str:
    """A base address without its last slash, and without the prefix that every path brings along."""
    bare = url.strip().rstrip("/")
    return bare.removesuffix(without) if without else bare
