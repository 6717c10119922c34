"""
One method per GraphQL document: Admin API, ``POST /admin/api/{version}/graphql.json``.

Limits (contract, section 7): points per app and shop, 100 per second and a bucket of 2,000 on the standard plan; a single query over 1,000
points is refused; input arrays hold 250 rows; pages at most 250; ``nodes(ids:)`` at most 250 ids, of which we ask 50.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels_shopify import documents
from channels_shopify.auth import ShopifyAuth, base_urls
from channels_shopify.errors import CHANNEL, error_of, payload_of, throttle_status
from inventory_sync.domain.errors import ChannelError, ContractError, CredentialsError, RetryableError
from inventory_sync.domain.ports import Account, Ports, Share
from inventory_sync.http import ApiClient, ApiResponse, parse_retry_after

logger = logging.getLogger(__name__)

READ_RETRIES = 4
MAX_ROWS = 250
LEVEL_IDS = 50
COST = {
    "orders_page": 550.0,
    "order": 160.0,
    "variants": 85.0,
    "levels": 60.0,
    "activate": 15.0,
    "small": 25.0,
}
"""Estimated points that a call asks for; the answer's ``throttleStatus`` corrects the bucket after each call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The ``data`` of an answer, and the answer itself for times and request id."""

    data: Mapping[str, Any]
    response: ApiResponse

    def part(self, name: str) -> Mapping[str, Any]:
        """:raises ContractError: the field is missing or null; a write may have been applied all the same."""
        value = self.data.get(name)
        if not isinstance(value, Mapping):
            raise ContractError(
                f"the answer has no {name}",
                channel=CHANNEL,
                request_id=self.response.request_id,
                status=self.response.status,
                may_have_applied=True,
            )
        return value


class ShopifyClient:
    """Calls of one shop. A token that is refused is renewed once."""

    def __init__(self, *, account: Account, ports: Ports, auth: ShopifyAuth) -> None:
        self._auth = auth
        self._ports = ports
        self._version = str(account.settings["api_version"])
        self._hsn = {
            "hsnNamespace": str(account.settings["hsn_metafield_namespace"]),
            "hsnKey": str(account.settings["hsn_metafield_key"]),
        }
        self._warned = False
        self._api = ApiClient(
            channel=CHANNEL,
            base_url=base_urls(account)[0],
            budget=ports.budget,
            clock=ports.clock,
            request_id_header="X-Request-Id",
            allow_private_hosts=ports.allow_private_hosts,
            error_mapper=self._examine,
        )

    # --- reads ------------------------------------------------------------------------------------------------------------------

    def shop_info(self) -> Answer:
        return self._read("shop_info", documents.SHOP_INFO, {}, share=Share.SETUP)

    def locations_page(self, *, cursor: str | None) -> Answer:
        return self._read("locations", documents.LOCATIONS_PAGE, {"cursor": cursor}, share=Share.SETUP)

    def variants_page(self, *, first: int, cursor: str | None, query: str | None, share: Share) -> Answer:
        variables = {"first": min(first, MAX_ROWS), "cursor": cursor, "query": query, **self._hsn}
        return self._read("variants", documents.VARIANTS_PAGE, variables, share=share, cost=COST["variants"])

    def variants_by_id(self, *, ids: Sequence[str], share: Share) -> Answer:
        """At most 50 ids."""
        variables = {"ids": list(ids), **self._hsn}
        return self._read("variants", documents.VARIANTS_BY_ID, variables, share=share, cost=COST["variants"])

    def levels(self, *, item_ids: Sequence[str], location_id: str, share: Share) -> Answer:
        """At most 50 ids. Right at once after a write, unlike any search."""
        variables = {"ids": list(item_ids), "locationId": location_id}
        return self._read("levels", documents.LEVELS_FOR_ITEMS, variables, share=share, cost=COST["levels"])

    def levels_changed(self, *, location_id: str, cursor: str | None, query: str) -> Answer:
        """Which levels of a location changed, 100 at a time; what they show is read by id."""
        variables = {"locationId": location_id, "cursor": cursor, "query": query}
        return self._read("levels_changed", documents.LEVELS_CHANGED, variables, share=Share.POLL, cost=COST["levels"])

    def orders_page(self, *, first: int, cursor: str | None, query: str, share: Share = Share.POLL) -> Answer:
        """``first`` 50 is about 550 points; with 100 and more the query comes near the limit of 1,000."""
        variables = {"first": min(first, 50), "cursor": cursor, "query": query}
        return self._read("orders", documents.ORDERS_PAGE, variables, share=share, cost=COST["orders_page"])

    def order(self, *, order_id: str, line_cursor: str | None = None) -> Answer:
        variables = {"id": order_id, "lineCursor": line_cursor}
        return self._read("order", documents.ORDER_BY_ID, variables, share=Share.READ, cost=COST["order"])

    def webhooks_page(self, *, cursor: str | None) -> Answer:
        return self._read("webhooks", documents.WEBHOOK_LIST, {"cursor": cursor}, share=Share.SETUP)

    # --- quantity writes: one call, never repeated ---------------------------------------------------------------------------------

    def set_quantities(
        self,
        *,
        rows: Sequence[Mapping[str, Any]],
        reason: str,
        reference: str,
        idempotency_key: str,
        share: Share,
        deadline_seconds: float,
    ) -> Answer:
        """
        Set ``available`` of up to 250 (item, location) pairs, all or none.

        :param rows: each with ``inventoryItemId, locationId, quantity, changeFromQuantity``, all four present.
        """
        variables = {
            "input": {
                "name": "available",
                "reason": reason,
                "referenceDocumentUri": reference,
                "quantities": [dict(row) for row in rows],
            },
            "idempotencyKey": idempotency_key,
        }
        return self._call(
            "set_quantities",
            documents.SET_QUANTITIES,
            variables,
            share=share,
            cost=10.0 + 3.0 * len(rows),
            retries=0,
            deadline_seconds=deadline_seconds,
        )

    def activate_level(
        self,
        *,
        item_id: str,
        location_id: str,
        available: int,
        idempotency_key: str,
        share: Share,
        deadline_seconds: float,
    ) -> Answer:
        """Stock an item at a location, with its first quantity."""
        variables = {
            "inventoryItemId": item_id,
            "locationId": location_id,
            "available": available,
            "idempotencyKey": idempotency_key,
        }
        return self._call(
            "activate_level",
            documents.ACTIVATE_LEVEL,
            variables,
            share=share,
            cost=COST["activate"],
            retries=0,
            deadline_seconds=deadline_seconds,
        )

    # --- other writes ---------------------------------------------------------------------------------------------------------------

    def track_item(self, *, item_id: str) -> Answer:
        variables = {"id": item_id, "input": {"tracked": True}}
        return self._read("item_update", documents.ITEM_UPDATE, variables, share=Share.SETUP)

    def stop_overselling(self, *, product_id: str, variant_id: str) -> Answer:
        """Set the variant's policy so that it stops selling at zero. Needs ``write_products``."""
        variables = {"productId": product_id, "variants": [{"id": variant_id, "inventoryPolicy": "DENY"}]}
        return self._read("variant_update", documents.VARIANT_UPDATE, variables, share=Share.SETUP)

    def create_webhook(self, *, topic: str, uri: str) -> Answer:
        variables = {"topic": topic, "webhookSubscription": {"uri": uri, "format": "JSON"}}
        return self._call("webhook_create", documents.WEBHOOK_CREATE, variables, share=Share.SETUP, cost=COST["small"])

    # --- inside -----------------------------------------------------------------------------------------------------------------------

    def _read(
        self, operation: str, document: str, variables: Mapping[str, Any], *, share: Share, cost: float = COST["small"]
    ) -> Answer:
        return self._call(
            operation, document, variables, share=share, cost=cost, retries=READ_RETRIES, deadline_seconds=60.0
        )

    def _call(
        self,
        operation: str,
        document: str,
        variables: Mapping[str, Any],
        *,
        share: Share,
        cost: float,
        retries: int = 0,
        deadline_seconds: float = 30.0,
    ) -> Answer:
        give_up_at = self._ports.clock.monotonic() + deadline_seconds
        token = self._auth.token()
        for last_try in (False, True):
            seconds_left = give_up_at - self._ports.clock.monotonic()
            if seconds_left <= 0:
                raise RetryableError("getting a token took all the time; nothing was sent", channel=CHANNEL)
            try:
                response = self._api.request(
                    "POST",
                    f"/admin/api/{self._version}/graphql.json",
                    operation=operation,
                    share=share,
                    cost=cost,
                    json={"query": document, "variables": variables},
                    headers=self._auth.headers(token),
                    retries=retries,
                    deadline_seconds=seconds_left,
                )
                break
            except CredentialsError as error:
                # A refused token means that nothing was done: the same call may go once more with a new one.
                if last_try or error.status != 401:
                    raise
                token = self._auth.renewed(refused=token)
        payload = response.json()
        data = payload.get("data") if isinstance(payload, Mapping) else None
        if not isinstance(data, Mapping):
            raise ContractError(
                "the answer has no data",
                channel=CHANNEL,
                request_id=response.request_id,
                status=response.status,
                may_have_applied=True,
            )
        return Answer(data=data, response=response)

    def _examine(self, response: ApiResponse) -> ChannelError | None:
        """Learn what the answer says of the points bucket and the version served, then look for an error in it."""
        pause = parse_retry_after(response.headers.get("Retry-After"), now=response.ended_at)
        if response.status == 429 and pause:
            self._ports.budget.empty(operation="graphql", seconds=pause)
        payload = payload_of(response)
        if payload is not None:
            said = throttle_status(payload)
            if said:
                self._ports.budget.learn(
                    operation="graphql",
                    remaining=said.get("remaining"),
                    capacity=said.get("capacity"),
                    per_second=said.get("per_second"),
                )
        served = response.headers.get("X-Shopify-API-Version", self._version)
        if served != self._version and not self._warned:
            self._warned = True
            logger.warning("Shopify serves API %s instead of %s", served, self._version, extra={"channel": CHANNEL})
        return error_of(response)
