"""
Events to the seller's receiver: signed, in order per shipment, the next one held back until the failed one is taken (section 8).

The two header names contain underscores and are sent exactly so, by a plain ``http.client``. The body is not signed.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import logging
import queue
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.flipkart.model import OrderItem, ReturnItem, Shipment
from sandbox.flipkart.render import return_push_json, shipment_json
from sandbox.flipkart.state import State
from sandbox.flipkart.times import ist

logger = logging.getLogger(__name__)

WORKERS = 4
IDLE_SECONDS = 5.0
STALE = timedelta(hours=6)


@dataclass(slots=True, kw_only=True)
class Subscription:
    """
    Where events go. ``signed_url`` is the registered URL that enters the signature, byte for byte; ``url`` is where we connect
    (they differ behind a proxy). ``location_ids`` empty: every location of the seller.
    """

    url: str
    signed_url: str
    app_id: str
    app_secret: str
    orders: bool = True
    returns: bool = True
    underscores: bool = True  # False: X-Date and X-Authorization
    location_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Event:
    """One event on its way. ``forge``: "" (genuine), "signature" (wrong one) or "stale" (an X_Date hours old)."""

    group: str
    body: bytes
    forge: str = ""
    first_date: datetime | None = None
    tries: int = 0


def signature(*, epoch_seconds: int, url: str, app_secret: str) -> str:
    """Hex of the plain SHA-1 over date, registered URL, method and secret. Source: contract 8.2, the published sample."""
    return hashlib.sha1(f"{epoch_seconds}{url}POST{app_secret}".encode()).hexdigest()


def authorization(*, app_id: str, app_secret: str, url: str, moment: datetime) -> str:
    """The ``X_Authorization`` value for an ``X_Date`` of this moment (whole seconds)."""
    signed = signature(epoch_seconds=int(moment.timestamp()), url=url, app_secret=app_secret)
    return "FKLOGIN " + base64.b64encode(f"{app_id}:{signed}".encode()).decode()


class Push:
    """Queues events under the state's lock, sends them from threads of its own, never with the lock held."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.subscription: Subscription | None = None
        self._lock = threading.Lock()
        self._groups: dict[str, deque[Event]] = {}  # a group is here while it has events; its first one is under way
        self._ready: queue.Queue[tuple[int, str]] = queue.Queue()
        self._workers = 0
        self._epoch = 0  # goes up on reset, so that what was queued before is dropped
        self.counts: Counter[str] = Counter()

    def reset(self, subscription: Subscription | None) -> None:
        with self._lock:
            self.subscription = subscription
            self._groups.clear()
            self._epoch += 1
            self.counts.clear()

    # --- events about shipments

    def shipment_created(self, shipment: Shipment) -> None:
        attributes = shipment_json(self.state, shipment)
        del attributes["shipmentId"], attributes["locationId"]
        self._shipment(shipment, "shipment_created", attributes | {"dispatchLocation": None}, with_location=True)

    def shipment_status(self, shipment: Shipment, event_type: str, status: str) -> None:
        self._shipment(shipment, event_type, {"status": status})

    def shipment_hold(self, shipment: Shipment) -> None:
        held = [{"orderItemId": item.order_item_id, "holdQuantity": item.quantity} for item in shipment.live_items()]
        self._shipment(shipment, "shipment_hold", {"orderItems": held})

    def shipment_unhold(self, shipment: Shipment) -> None:
        self._shipment(shipment, "shipment_unhold", {"status": "PACKED" if shipment.stage == "PACKED" else "APPROVED"})

    def dispatch_dates_changed(self, shipment: Shipment) -> None:
        dates = {"dispatchAfterDate": ist(shipment.dispatch_after), "dispatchByDate": ist(shipment.dispatch_by)}
        self._shipment(shipment, "shipment_dispatch_dates_changed", dates)

    def shipment_cancelled(self, shipment: Shipment, cancelled: list[OrderItem]) -> None:
        items = [
            {
                "orderItemId": item.order_item_id,
                "quantity": item.quantity,
                "reason": item.cancellation_reason,
                "subReason": item.cancellation_sub_reason,
            }
            for item in cancelled
        ]
        self._shipment(shipment, "shipment_cancelled", {"status": "CANCELLED", "orderItems": items}, with_location=True)

    def form_failed(self, shipment: Shipment) -> None:
        names = [form["name"] for form in shipment.forms]
        self._shipment(shipment, "shipment_form_failed", {"status": "FORM_FAILED", "forms": names})

    def _shipment(
        self, shipment: Shipment, event_type: str, attributes: Mapping[str, Any], *, with_location: bool = False
    ) -> None:
        subscription = self.subscription
        if subscription is None or not subscription.orders or not self._covers(shipment):
            return
        envelope = self._envelope(event_type, attributes) | {"shipmentId": shipment.shipment_id}
        if with_location:
            envelope["locationId"] = shipment.location_id
        self.send(envelope, group=shipment.shipment_id)

    # --- events about returns

    def return_event(self, item: ReturnItem, event_type: str) -> None:
        subscription = self.subscription
        if subscription is None or not subscription.returns or not self._covers(item.shipment):
            return
        order_item: dict[str, Any] = {"orderItemId": item.item.order_item_id}
        attributes: dict[str, Any]
        if event_type == "return_created":
            attributes = {"status": "RETURN_CREATED", "returnItems": [return_push_json(self.state, item)]}
        elif event_type == "return_item_tracking_id_update":
            attributes = {"returnItems": [order_item | {"trackingId": item.tracking_id, "courierName": item.courier}]}
        elif event_type == "return_expected_date_changed":
            attributes = {"returnItems": [order_item | {"expectedDate": ist(item.expected_at)}]}
        else:
            attributes = {"status": event_type.upper(), "returnItems": [order_item]}
        envelope = self._envelope(event_type, attributes) | {"returnId": item.return_id}
        if event_type != "return_item_tracking_id_update":
            envelope["locationId"] = item.shipment.location_id
        self.send(envelope, group=item.return_id)

    def _covers(self, shipment: Shipment) -> bool:
        wanted = self.subscription.location_ids if self.subscription else ()
        return shipment.service_profile != "FBF" and (not wanted or shipment.location_id in wanted)

    def _envelope(self, event_type: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        timestamp = ist(self.state.now())
        return {
            "eventType": event_type,
            "source": "flipkart",
            "version": "v3",
            "timestamp": timestamp,
            "attributes": dict(attributes),
        }

    # --- delivery

    def send(self, envelope: Mapping[str, Any], *, group: str, forge: str = "") -> None:
        """Queue one event behind the others of its group. Faults may lose, repeat or forge it."""
        state = self.state
        if self.subscription is None:
            return
        event_type = str(envelope.get("eventType", ""))
        if state.fault("push_lost", event_type=event_type) is not None:
            self._tally("lost")
            return
        body = json.dumps(envelope).encode()
        events = [Event(group=group, body=body, forge=forge)]
        if state.fault("push_duplicate", event_type=event_type) is not None:
            events.append(Event(group=group, body=body, forge=forge))
        if state.fault("push_forged", event_type=event_type) is not None:
            events.append(Event(group=f"forged {group}", body=body, forge="signature"))
        if state.fault("push_stale", event_type=event_type) is not None:
            events.append(Event(group=f"stale {group}", body=body, forge="stale"))
        delay = state.draw("push", state.settings.push_delay_seconds)
        if (fault := state.fault("push_late", event_type=event_type)) is not None:
            delay = float(fault.options.get("seconds", 600.0))
        with self._lock:
            for event in events:
                if event.group in self._groups:
                    self._groups[event.group].append(event)
                else:
                    self._groups[event.group] = deque([event])
                    self._later(delay, event.group)

    def waiting(self) -> int:
        """Events that no receiver has taken yet."""
        with self._lock:
            return sum(len(events) for events in self._groups.values())

    def _later(self, seconds: float, group: str) -> None:
        epoch = self._epoch
        self.state.world.scheduler.after(seconds, lambda: self._wake(epoch, group))

    def _wake(self, epoch: int, group: str) -> None:
        self._ready.put((epoch, group))
        with self._lock:
            if self._workers >= WORKERS:
                return
            self._workers += 1
        threading.Thread(target=self._work, name="flipkart-push", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                epoch, group = self._ready.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._ready.empty():
                        self._workers -= 1
                        return
                continue
            try:
                self._send_head(epoch, group)
            except Exception:
                logger.exception("the Flipkart push sender failed")

    def _send_head(self, epoch: int, key: str) -> None:
        """Try the first event of a group; on 200 the next one is due, else the same one again later."""
        with self._lock:
            events = self._groups.get(key)
            if epoch != self._epoch or not events or self.subscription is None:
                return
            event, subscription = events[0], self.subscription
        taken = self._post(event, subscription)
        with self._lock:
            if epoch != self._epoch:
                return
            self.counts["delivered" if taken else "failed"] += 1
            if taken:
                events.popleft()
            if events:
                self._later(0.0 if taken else self.state.settings.push_retry_seconds, key)
            else:
                del self._groups[key]

    def _post(self, event: Event, subscription: Subscription) -> bool:
        settings, now = self.state.settings, self.state.now()
        event.first_date = event.first_date or now
        event.tries += 1
        moment = now if settings.push_renews_date else event.first_date
        if event.forge == "stale":
            moment -= STALE
        secret = "not-the-secret" if event.forge == "signature" else subscription.app_secret
        signed = authorization(
            app_id=subscription.app_id, app_secret=secret, url=subscription.signed_url, moment=moment
        )
        dashes = not subscription.underscores or self.state.fault("push_dashes") is not None
        separator = "-" if dashes else "_"
        target = urlsplit(subscription.url)
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        connection = kind(target.netloc, timeout=settings.push_timeout_seconds)
        try:
            connection.putrequest("POST", (target.path or "/") + (f"?{target.query}" if target.query else ""))
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(event.body)))
            connection.putheader(f"X{separator}Date", format_datetime(moment, usegmt=True))
            connection.putheader(f"X{separator}Authorization", signed)
            connection.endheaders(event.body)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            logger.info("push to the receiver failed: %s", type(error).__name__)
            return False
        finally:
            connection.close()
        return answer.status == 200

    def _tally(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1
