"""Every setting of a Flipkart account, with its default. Durations are in seconds. Contract, section 14."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from channels_flipkart.values import decimal, text, truth, whole
from inventory_sync.domain.errors import SetupError
from inventory_sync.domain.ports import Share
from inventory_sync.http import BucketPlan, BudgetPlan, WindowPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    One account's settings, read from whatever the admin, a file or the command line gave.

    The last block is read by the engine only; it stands here because its values are facts about Flipkart.
    """

    # where and how to connect
    rest_prefix: str = "/sellers"
    oauth_prefix: str = "/oauth-service"
    oauth_method: str = "GET"  # or POST
    oauth_grant: str = "client_credentials"  # self access; authorization_code for a third-party application
    scope: str = "Seller_Api"
    token_refresh_margin_seconds: float = 3 * 86_400
    token_ask_again_seconds: float = 3_600  # inside the margin the same token may come back: ask at most this often
    connect_timeout_seconds: float = 5
    read_timeout_seconds: float = 30
    read_deadline_seconds: float = 90  # one read with its retries
    read_retries: int = 4
    token_deadline_seconds: float = 20  # a write waits for it, and has 30 s in all
    write_deadline_seconds: float = 30
    retry_base_seconds: float = 1
    retry_cap_seconds: float = 300
    rate_limited_pause_seconds: float = 60  # after a 429 without Retry-After

    # listings
    listing_batch: int = 10  # SKUs in one write or one details read
    details_endpoint: str = "details"  # or get
    inventory_send_location_status: bool = False
    warning_is_success: bool = True
    tax_codes: tuple[str, ...] = ()  # those of the account's My Listings page; empty: the usual ones
    allow_fbf_lite: bool = False
    marketplace_locations: tuple[str, ...] = ()  # Flipkart's own locations of mixed listings: never written
    location_learn_skus: int = 50  # listings looked at when the location list can't be read

    # what happened
    shipment_page: int = 20
    shipment_page_depth: int = 249  # pages of one query, then a narrower one
    shipment_depth_overlap_seconds: float = 600
    shipment_id_batch: int = 25  # ids in one read; the API allows 100
    order_overlap_seconds: float = 1_800
    cancel_overlap_seconds: float = 5 * 3_600
    returns_overlap_seconds: float = 3_600
    first_round_seconds: float = 7 * 86_400  # how far a first round looks back for shipped and cancelled orders
    first_returns_seconds: float = 30 * 86_400
    index_delay_seconds: float = 300

    # notifications
    push_enabled: bool = False
    push_url: str = ""  # as registered with Flipkart, byte for byte
    push_max_age_seconds: float = 900
    push_confirm_by_pull: bool = True

    # pace
    poll_seconds: float = 300
    sale_poll_seconds: float = 120
    returns_poll_seconds: float = 1_800
    sweep_seconds: float = 86_400

    # read by the engine
    inventory_includes_open_orders: bool = False
    read_back: str = "accepted"  # accepted | shown | seller_set
    propagation_deadline_seconds: float = 600
    read_lag_seconds: float = 60
    restock_on_cancel: bool = True
    know_seconds: float = 150  # mean time until we know of an order, before anything is measured
    ack_seconds: float = 210  # mean time until a quantity is in force
    rate_per_hour: int = 900
    rate_window_seconds: float = 3_600
    max_in_flight: int = 2
    restock_customer_return: str = "quarantine"
    restock_courier_return: str = "quarantine"

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """
        Settings from an account's mapping; numbers and booleans may be text, lists comma separated. Unknown names are left alone.

        :raises SetupError: a value can't be read, or is out of its range.
        """
        values = {
            field.name: _coerced(field.name, given[field.name], kind=str(field.type))
            for field in fields(cls)
            if given.get(field.name) is not None
        }
        settings = cls(**values)
        settings._check()
        return settings

    def _check(self) -> None:
        _one_of("oauth_method", self.oauth_method.upper(), ("GET", "POST"))
        _one_of("oauth_grant", self.oauth_grant, ("client_credentials", "authorization_code"))
        _one_of("details_endpoint", self.details_endpoint, ("details", "get"))
        for name in ("listing_batch", "shipment_page", "shipment_page_depth", "shipment_id_batch"):
            if getattr(self, name) < 1:
                raise SetupError(f"setting {name} must be at least 1", channel="flipkart")
        if self.shipment_id_batch > 100:
            raise SetupError("setting shipment_id_batch may be 100 at most", channel="flipkart")


def _coerced(name: str, value: Any, *, kind: str) -> Any:
    read: Any
    match kind:
        case "bool":
            read = truth(value)
        case "int":
            read = whole(value)
        case "float":
            number = decimal(value)
            read = None if number is None else float(number)
        case "str":
            read = value.strip() if isinstance(value, str) else None
        case _:
            parts = value.split(",") if isinstance(value, str) else value
            read = tuple(text(part) for part in parts if text(part)) if isinstance(parts, list | tuple) else None
    if read is None or (isinstance(read, int | float) and read < 0):
        raise SetupError(f"setting {name} can't be {value!r}", channel="flipkart")
    return read


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SetupError(f"setting {name} must be one of {', '.join(allowed)}, not {value!r}", channel="flipkart")


def default_settings() -> dict[str, Any]:
    """Name and default of every setting, as the admin shows them."""
    return {field.name: field.default for field in fields(Settings)}


def budget_plan(given: Mapping[str, Any], *, workers: int) -> BudgetPlan:
    """
    One rolling window for everything that acts for the seller (contract, section 4). Polls and urgent drains have parts of it that nothing else
    may use, so that a long bulk run or a catalogue pull can starve neither.
    """
    settings = Settings.read(given)
    limit = settings.rate_per_hour
    reserved = {Share.POLL: limit * 0.25, Share.URGENT: limit * 0.1, Share.WRITE: limit * 0.15}
    window = WindowPlan(limit=limit, window_seconds=settings.rate_window_seconds, reserved=reserved)
    tokens = BucketPlan(rate=0.2, burst=10)
    return BudgetPlan(groups={"api": window, "token": tokens}, default="api", workers=max(workers, 1))
