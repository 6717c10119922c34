"""A channel for the connection tests: says who it is (``client_id``), or refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from inventory_sync.domain.errors import CredentialsError
from inventory_sync.domain.ports import Account, Identity, Ports, StreamSpec
from inventory_sync.domain.snapshots import LocationSnapshot
from inventory_sync.http import BucketPlan, BudgetPlan


class FriendlyAdapter:
    """``client_secret`` decides: ``wrong`` is refused, ``other`` is somebody else's."""

    defaults: ClassVar[Mapping[str, Any]] = {"poll_seconds": 300.0, "listing_batch": 10, "read_back": "accepted"}

    def __init__(self, *, account: Account, ports: Ports) -> None:
        self._account = account

    @staticmethod
    def budget_plan(settings: Mapping[str, Any], *, workers: int) -> BudgetPlan:
        return BudgetPlan(groups={"all": BucketPlan(rate=1, burst=10)}, default="all", workers=workers)

    def identify(self) -> Identity:
        who = self._account.credentials.get("client_id", "seller-77")
        secret = self._account.credentials.get("client_secret", "")
        if secret == "wrong":
            raise CredentialsError("the channel does not accept these credentials", channel="flipkart")
        missing = ("write_inventory",) if secret == "read-only" else ()
        return Identity(identity="somebody-else" if secret == "other" else who, name="Chandni", missing=missing)

    def streams(self) -> list[StreamSpec]:
        return [StreamSpec(name="orders", every_seconds=300, sale_seconds=120, watermark=True)]

    def locations(self) -> list[LocationSnapshot]:
        return [LocationSnapshot(location_id="LOC9", name="Hosur road")]

    def subscribe(self, *, callback_url: str) -> list[str]:
        return [f"orders are sent to {callback_url}"]
