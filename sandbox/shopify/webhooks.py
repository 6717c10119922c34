"""
Webhook deliveries: late, perhaps twice, in any order, perhaps never; signed, retried, and at last the subscription is gone.

The scheduler decides when, a few worker threads of our own do the HTTP, and no lock is held meanwhile. Bodies of orders, refunds and
fulfilments are of the moment of the action; a level's or product's is read when it is sent, and changes that come before that are
merged into one delivery.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import queue
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import requests

from sandbox.shopify.model import Subscription
from sandbox.shopify.payloads import encode, level_payload, product_payload
from sandbox.shopify.state import Event, Shop
from sandbox.shopify.times import triggered_at
from sandbox.world import World

logger = logging.getLogger(__name__)

WORKERS = 4
CONNECT_SECONDS, TOTAL_SECONDS = 1.0, 5.0  # of real time: they bound what the receiver may take
RETRY_GAPS_SECONDS = (60, 180, 420, 840, 1500, 2400, 3600, 5400)  # 8 retries, 4 hours
REORDER_SECONDS = 30.0
DELAY_SECONDS = 300.0
SIGNATURE_HEADER = "X-Shopify-Hmac-Sha256"


def sign(body: bytes, secret: str) -> str:
    """Base64 of HMAC-SHA256 over the raw bytes."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def topic_header(topic: str) -> str:
    """``INVENTORY_LEVELS_UPDATE`` -> ``inventory_levels/update``: the last word is the action."""
    what, action = topic.lower().rsplit("_", 1)
    if topic == "APP_SCOPES_UPDATE":
        return "app/scopes_update"
    return f"{what}/{action}"


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One message to one subscription, over all its attempts. ``body`` is fixed by the first attempt."""

    shop: Shop
    subscription: Subscription
    topic: str
    event_id: str
    build: Callable[[], dict[str, Any]]
    triggered_at: datetime
    merge_key: tuple[object, ...] | None = None
    webhook_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    body: bytes | None = None
    attempts: int = 0
    status: str = "waiting"  # delivered, dropped, failed, abandoned
    answers: list[int | str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """For the control API."""
        return {
            "topic": topic_header(self.topic),
            "uri": self.subscription.uri,
            "webhook_id": self.webhook_id,
            "event_id": self.event_id,
            "attempts": self.attempts,
            "status": self.status,
            "answers": list(self.answers),
        }


class Webhooks:
    """Every delivery of one marketplace. :meth:`publish` is called under the marketplace's lock."""

    def __init__(self, *, world: World, lock: threading.RLock) -> None:
        self._world = world
        self._lock = lock
        self._random: random.Random = world.rng("shopify.webhooks")
        self._queue: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting: set[tuple[object, ...]] = set()
        self.log: deque[Delivery] = deque(maxlen=2000)

    def publish(self, event: Event) -> None:
        """Send what one action caused; all of it shares the event's id."""
        shop = event.shop
        for topic, payload in event.messages:
            self.emit(shop, topic, event_id=event.id, now=event.now, build=partial(dict, payload))
        for number, level in event.connected.items():
            self._emit_fresh(event, "INVENTORY_LEVELS_CONNECT", number, partial(level_payload, shop, level))
        for number, level in event.levels.items():
            self._emit_fresh(event, "INVENTORY_LEVELS_UPDATE", number, partial(level_payload, shop, level))
        for number, product in event.products.items():
            self._emit_fresh(event, "PRODUCTS_UPDATE", number, partial(product_payload, shop, product))

    def _emit_fresh(self, event: Event, topic: str, number: int, build: Callable[[], dict[str, Any]]) -> None:
        """A message whose body is read when it is sent; until then it takes in the next ones about the same thing."""
        self.emit(event.shop, topic, event_id=event.id, now=event.now, merge_key=(number,), build=build)

    def emit(
        self,
        shop: Shop,
        topic: str,
        *,
        event_id: str,
        now: datetime,
        build: Callable[[], dict[str, Any]],
        merge_key: tuple[object, ...] | None = None,
    ) -> int:
        """
        One message to every subscription of the topic.

        :param merge_key: a message of this topic and key that still waits takes this one in.
        :return: how many subscriptions there are.
        """
        subscriptions = [each for each in shop.subscriptions.values() if each.topic == topic]
        for subscription in subscriptions:
            key = (subscription.number, topic, *merge_key) if merge_key else None
            if key is not None and key in self._waiting:
                continue
            delivery = Delivery(
                shop=shop,
                subscription=subscription,
                topic=topic,
                event_id=event_id,
                build=build,
                triggered_at=now,
                merge_key=key,
            )
            self.log.append(delivery)
            if self._world.faults.hit("shopify.webhook_drop"):
                delivery.status = "dropped"
                continue
            if key is not None:
                self._waiting.add(key)
            self._schedule(delivery, self._delay(shop))
            if self._world.faults.hit("shopify.webhook_duplicate"):
                self._schedule(delivery, self._delay(shop) + self._delay(shop))
        return len(subscriptions)

    def _delay(self, shop: Shop) -> float:
        seconds = self._random.uniform(*shop.settings.webhook_delay_seconds)
        if fault := self._world.faults.hit("shopify.webhook_delay"):
            seconds += float(fault.options.get("seconds", DELAY_SECONDS))
        if fault := self._world.faults.hit("shopify.webhook_reorder"):
            seconds += self._random.uniform(0, float(fault.options.get("seconds", REORDER_SECONDS)))
        return seconds

    def _schedule(self, delivery: Delivery, seconds: float) -> None:
        self._world.scheduler.after(seconds, lambda: self._hand_over(delivery))

    def _hand_over(self, delivery: Delivery) -> None:
        """On the scheduler's thread: the HTTP is the workers' job."""
        if not self._threads:
            for number in range(WORKERS):
                thread = threading.Thread(target=self._work, name=f"sandbox-shopify-webhooks-{number}", daemon=True)
                thread.start()
                self._threads.append(thread)
        self._queue.put(delivery)

    def _work(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._world.stopping.is_set():
                try:
                    delivery = self._queue.get(timeout=0.2)
                except queue.Empty:
                    continue
                try:
                    self._deliver(session, delivery)
                except Exception:
                    logger.exception("a webhook delivery failed inside the sandbox")

    def _deliver(self, session: requests.Session, delivery: Delivery) -> None:
        prepared = self._prepare(delivery)
        if prepared is None:
            return
        body, headers = prepared
        answer: int | str
        began = time.monotonic()
        try:
            response = session.post(
                delivery.subscription.uri,
                data=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, TOTAL_SECONDS),
                allow_redirects=False,
            )
            answer = response.status_code if time.monotonic() - began <= TOTAL_SECONDS else "too late"
        except requests.RequestException as error:
            answer = type(error).__name__
        self._settle(delivery, answer)

    def _prepare(self, delivery: Delivery) -> tuple[bytes, dict[str, str]] | None:
        """The bytes and headers of the next attempt; None when the subscription is gone meanwhile."""
        with self._lock:
            self._waiting.discard(delivery.merge_key or ())
            if delivery.subscription.deleted:
                delivery.status = "abandoned"
                return None
            shop, subscription = delivery.shop, delivery.subscription
            if delivery.body is None:
                payload = delivery.build()
                if subscription.include_fields:
                    payload = {name: value for name, value in payload.items() if name in subscription.include_fields}
                delivery.body = encode(payload)
            delivery.attempts += 1
            if delivery.attempts > 1 and delivery.answers and shop.settings.webhook_id_changes_on_retry:
                delivery.webhook_id = str(uuid.uuid4())
            secret = shop.webhook_secret
            if self._world.faults.hit("shopify.webhook_bad_signature"):
                secret = "not-" + secret
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "Shopify-Captain-Hook",
                "X-Shopify-Topic": topic_header(delivery.topic),
                SIGNATURE_HEADER: sign(delivery.body, secret),
                "X-Shopify-Shop-Domain": shop.domain,
                "X-Shopify-API-Version": shop.settings.webhook_api_version,
                "X-Shopify-Webhook-Id": delivery.webhook_id,
                "X-Shopify-Event-Id": delivery.event_id,
                "X-Shopify-Triggered-At": triggered_at(delivery.triggered_at),
            }
            if subscription.name:
                headers["X-Shopify-Name"] = subscription.name
            return delivery.body, headers

    def _settle(self, delivery: Delivery, answer: int | str) -> None:
        with self._lock:
            delivery.answers.append(answer)
            if isinstance(answer, int) and 200 <= answer < 300:
                delivery.status = "delivered"
                return
            failures = sum(1 for each in delivery.answers if not (isinstance(each, int) and 200 <= each < 300))
            if delivery.status == "delivered":
                return
            if failures <= len(RETRY_GAPS_SECONDS):
                self._schedule(delivery, RETRY_GAPS_SECONDS[failures - 1])
                return
            delivery.status = "failed"
            subscription = delivery.subscription
            if not subscription.from_configuration:
                subscription.deleted = True
                delivery.shop.subscriptions.pop(subscription.number, None)
                logger.warning("subscription %s was removed after %d failures", subscription.gid, failures)
