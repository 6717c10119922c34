"""Amazon.in for the engine: glue between the ports and this package, no decisions about stock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

from channels_amazon import limits, notifications, polling, reading, webhooks
from channels_amazon.auth import TokenSource, token_address
from channels_amazon.bulk import Feeds
from channels_amazon.client import SellingPartnerClient
from channels_amazon.documents import DocumentStore
from channels_amazon.errors import error_of, lwa_error_of
from channels_amazon.mapping import LOCATION
from channels_amazon.notifications import NotificationQueue
from channels_amazon.polling import OrdersPoll, ReturnsPoll
from channels_amazon.pushing import push
from channels_amazon.reports import Reports
from channels_amazon.settings import CHANNEL, Settings, default_settings
from channels_amazon.transport import USER_AGENT, Transport
from channels_amazon.values import objects, part, text, truth
from channels_amazon.writing import AmazonListings
from inventory_sync.domain.errors import CredentialsError, NotWritableError, RejectedError, SetupError, SignatureError
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
from inventory_sync.http import ApiClient, BudgetPlan, ErrorMapper

PRODUCTION = "https://sellingpartnerapi-eu.amazon.com"


class AmazonAdapter:
    """
    One Amazon seller account.

    Credentials: ``client_id``, ``client_secret``, ``refresh_token``; ``application_id`` to connect a public application by browser;
    ``aws_access_key_id`` and ``aws_secret_access_key`` for the queue (without them AWS's own ways of finding some). ``identity`` is the seller
    id (merchant token).
    """

    channel: ClassVar[Channel] = Channel.AMAZON
    write_kind: ClassVar[WriteKind] = WriteKind.ABSOLUTE
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(default_settings())

    @staticmethod
    def budget_plan(settings: Mapping[str, Any], *, workers: int) -> BudgetPlan:
        """One bucket for each operation, from Amazon's usage plans times the setting ``rate_factor``."""
        return limits.budget_plan(rate_factor=Settings.read(settings).rate_factor, workers=max(workers, 1))

    def __init__(self, *, account: Account, ports: Ports) -> None:
        self._account = account
        self._ports = ports
        self._settings = Settings.read(account.settings)
        api_base = account.api_base or PRODUCTION
        login_base, login_path = token_address(auth_base=account.auth_base, api_base=api_base)
        self._tokens = TokenSource(
            account=account,
            settings=self._settings,
            tokens=ports.tokens,
            clock=ports.clock,
            client=self._http(login_base, lwa_error_of),
            path=login_path,
        )
        transport = Transport(
            http=self._http(api_base, error_of),
            tokens=self._tokens,
            settings=self._settings,
            budget=ports.budget,
            clock=ports.clock,
        )
        self._client = SellingPartnerClient(transport=transport, settings=self._settings, seller_id=account.identity)
        documents = DocumentStore(ports=ports, settings=self._settings)
        self._reports = Reports(client=self._client, documents=documents, settings=self._settings, clock=ports.clock)
        self._feeds = Feeds(
            client=self._client,
            documents=documents,
            settings=self._settings,
            clock=ports.clock,
            seller_id=account.identity,
        )
        self._orders_poll = OrdersPoll(client=self._client, settings=self._settings)
        self._returns_poll = ReturnsPoll(client=self._client, reports=self._reports, settings=self._settings)
        self._queue = NotificationQueue(credentials=account.credentials, settings=self._settings, ports=ports)

    def _http(self, base_url: str, error_mapper: ErrorMapper) -> ApiClient:
        settings = self._settings
        return ApiClient(
            channel=CHANNEL,
            base_url=base_url,
            budget=self._ports.budget,
            clock=self._ports.clock,
            user_agent=USER_AGENT,
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            request_id_header="x-amzn-RequestId",
            allow_private_hosts=self._ports.allow_private_hosts,
            error_mapper=error_mapper,
            retry_base_seconds=settings.retry_base_seconds,
            retry_cap_seconds=settings.retry_cap_seconds,
        )

    # --- connection ---

    def identify(self) -> Identity:
        """
        Prove that the credentials work and sell in our marketplace. No call of Amazon's says who the seller is.

        :return: the seller id that the account claims.
        :raises SetupError: the seller does not take part in the marketplace.
        """
        wanted = self._settings.marketplace_id
        for row in objects(self._client.marketplace_participations()):
            participation = part(row, "participation")
            if (
                text(part(row, "marketplace").get("id")) != wanted
                or truth(participation.get("isParticipating")) is False
            ):
                continue
            suspended = ("listings are suspended",) if truth(participation.get("hasSuspendedListings")) else ()
            name = text(row.get("storeName")) or self._account.name
            return Identity(identity=self._account.identity, name=name, missing=suspended)
        raise SetupError(
            f"these credentials belong to a seller who does not sell in marketplace {wanted}", channel=CHANNEL
        )

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        return self._tokens.authorize_url(state=state, redirect_uri=redirect_uri)

    def exchange_code(self, *, code: str, state: str, redirect_uri: str, query: Mapping[str, str]) -> Identity:
        """Amazon's redirect carries ``spapi_oauth_code``, ``selling_partner_id`` and ``state``."""
        if query.get("error"):
            raise CredentialsError(f"the seller did not allow the connection: {query['error'][:100]}", channel=CHANNEL)
        if query.get("state", state) != state:
            raise CredentialsError("the answer belongs to another connection attempt", channel=CHANNEL)
        seller_id = text(query.get("selling_partner_id"))
        if seller_id and self._account.identity and seller_id != self._account.identity:
            raise CredentialsError(
                f"the seller who allowed the connection is {seller_id}, this account is {self._account.identity}",
                channel=CHANNEL,
            )
        code = code or text(query.get("spapi_oauth_code"))
        if not code:
            raise CredentialsError("Amazon's redirect carries no authorization code", channel=CHANNEL)
        self._tokens.exchange_code(code=code, redirect_uri=redirect_uri)
        found = self.identify()
        return Identity(identity=seller_id or found.identity, name=found.name, missing=found.missing)

    def subscribe(self, *, callback_url: str) -> list[str]:
        """Amazon calls no address of ours: it writes to the account's queue."""
        return notifications.subscribe(self._client, settings=self._settings)

    # --- catalogue ---

    def locations(self) -> list[LocationSnapshot]:
        """Amazon knows one merchant quantity for each listing."""
        return [LocationSnapshot(location_id=LOCATION, name="Amazon merchant stock")]

    def pull_listings(self, *, cursor: str = "", first: Sequence[str] = ()) -> Iterator[ListingPage]:
        return reading.pull_listings(self._client, self._reports, cursor=cursor, settings=self._settings)

    def read_listings(self, listings: Sequence[ListingIds]) -> list[ListingSnapshot]:
        return reading.read_listings(self._client, listings, settings=self._settings)

    def fix_hazard(self, *, listing: ListingIds, hazard: Hazard) -> None:
        raise NotWritableError(f"{hazard} is nothing that Amazon knows (listing {listing.key})", channel=CHANNEL)

    # --- what listings say ---

    @property
    def listings(self) -> AmazonListings:
        return AmazonListings(
            client=self._client, tokens=self._tokens, settings=self._settings, clock=self._ports.clock
        )

    # --- quantities ---

    @property
    def batch_size(self) -> int:
        return 1

    def push_stock(self, updates: Sequence[StockUpdate]) -> list[PushOutcome]:
        return push(updates, client=self._client, tokens=self._tokens, settings=self._settings, clock=self._ports.clock)

    def read_stock(self, rows: Sequence[RowRef]) -> list[StockReading]:
        return reading.read_stock(self._client, rows, settings=self._settings)

    # --- bulk writes ---

    @property
    def bulk_size(self) -> int:
        return self._settings.feed_messages

    def start_bulk(self, updates: Sequence[StockUpdate]) -> BulkJob:
        return self._feeds.start(updates)

    def check_bulk(self, *, ref: str, updates: Sequence[StockUpdate]) -> BulkJob:
        return self._feeds.check(ref=ref, updates=updates)

    # --- what happened ---

    def streams(self) -> Sequence[StreamSpec]:
        return polling.streams(self._settings)

    def poll(self, *, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        match stream:
            case polling.ORDERS:
                return self._orders_poll.poll(since=since, now=now)
            case polling.FBA:
                return polling.poll_held(self._client, now=now)
            case polling.RETURN_ROWS:
                return self._returns_poll.poll(since=since, now=now)
            case _:
                raise RejectedError(f"Amazon has no stream {stream!r}", channel=CHANNEL)

    def fetch_orders(self, keys: Sequence[str]) -> list[OrderSnapshot]:
        return polling.fetch_orders(self._client, [key.strip() for key in keys])

    def find_orders(self, *, listing: ListingIds) -> list[OrderSnapshot]:
        now = self._ports.clock.now()
        return polling.find_orders(
            self._client, sku=listing.key, asin=listing.product_id, now=now, settings=self._settings
        )

    # --- deliveries ---

    def check_delivery(self, delivery: Delivery) -> DeliveryCheck:
        """:raises SignatureError: it came to a web address; Amazon's messages come through the queue only, and carry no signature."""
        if delivery.url:
            raise SignatureError("Amazon sends its notifications to a queue, not to a web address", channel=CHANNEL)
        return webhooks.check(delivery.body)

    def parse_delivery(self, delivery: Delivery) -> InboundEvent:
        return webhooks.parse(
            delivery.body,
            seller_id=self._account.identity,
            marketplace_id=self._settings.marketplace_id,
            received_at=delivery.received_at,
        )

    def receive_messages(self, *, wait_seconds: int, limit: int = 10) -> list[QueueMessage]:
        return self._queue.receive(wait_seconds=wait_seconds, limit=limit)

    def delete_messages(self, receipts: Sequence[str]) -> None:
        self._queue.delete(receipts)
