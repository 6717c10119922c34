"""Every setting of an Amazon account, with its default. Durations are in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from channels_amazon.values import decimal, text, truth, whole
from inventory_sync.domain.errors import SetupError

CHANNEL = "amazon"
INDIA = "A21TJRUUN4KGV"
MOST_FEED_MESSAGES = 25_000  # JSON_LISTINGS_FEED, schema v2
MOST_REPORT_DAYS = 60.0  # of one returns report


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    One account's settings, read from whatever the admin, a file or the command line gave.

    The last block is read by the engine only; it stands here because its values are facts about Amazon.
    """

    # where and how to connect
    marketplace_id: str = INDIA
    issue_locale: str = "en_IN"
    seller_central_url: str = "https://sellercentral.amazon.in"  # where a seller allows a public application
    application_is_draft: bool = False
    token_refresh_margin_seconds: float = 60
    connect_timeout_seconds: float = 5
    read_timeout_seconds: float = 30
    read_deadline_seconds: float = 60  # one read with its retries and its waits for our own budget
    read_retries: int = 4
    token_deadline_seconds: float = 20  # a write waits for it, and has 30 s in all
    write_deadline_seconds: float = 30
    retry_base_seconds: float = 1
    retry_cap_seconds: float = 60
    rate_factor: float = 1  # times the usage plans; more than 1 only against a sandbox with a fast clock

    # listings
    fallback_product_type: str = "PRODUCT"
    use_report_for_pull: bool = True  # for more listings than a search can page
    search_limit: int = 1_000  # listings that searchListingsItems lets us page through
    pull_attributes: bool = True  # barcode, MRP and HSN code of each listing
    listing_page: int = 20

    # bulk writes
    feed_messages: int = 5_000  # in one feed; Amazon takes 25,000

    # orders
    order_page: int = 100
    order_overlap_seconds: float = 300
    index_delay_seconds: float = 120  # searchOrders holds back what is younger
    order_settle_seconds: float = 180  # taken off the watermark: a new order that changes once more is held back anew
    first_round_seconds: float = 3 * 86_400  # a first round reads everything that changed since, ...
    open_orders_seconds: float = 30 * 86_400  # ... and what is still open since then

    # reports
    returns_report: bool = True
    returns_overlap_seconds: float = 7 * 86_400
    first_returns_seconds: float = 30 * 86_400
    report_wait_seconds: float = 150  # how long one round waits for a report; the next one goes on with it
    report_poll_seconds: float = 10
    report_reuse_seconds: float = 1_800  # a report of ours this young is used instead of a new one
    report_give_up_seconds: float = 3_600  # one that is not done by then is given up
    document_bytes: int = 200 * 1024 * 1024  # largest download, and largest after unpacking

    # the notification queue; without one orders come by polling alone
    sqs_queue_url: str = ""
    sqs_queue_arn: str = ""
    sqs_endpoint_url: str = ""  # "" for Amazon's own
    sqs_region: str = "eu-west-1"
    sqs_visibility_seconds: int = 60
    destination_name: str = "inventory-sync"
    notification_types: tuple[str, ...] = (
        "ORDER_CHANGE",
        "FBA_INVENTORY_AVAILABILITY_CHANGES",
        "FEED_PROCESSING_FINISHED",
        "REPORT_PROCESSING_FINISHED",
    )
    notification_filter: bool = True  # ask Amazon to send ORDER_CHANGE for our marketplace only

    # pace
    poll_seconds: float = 180  # one call in 179 s is all that the plan gives
    sale_poll_seconds: float = 180
    fba_poll_seconds: float = 2_700
    returns_poll_seconds: float = 4 * 3_600

    # read by the engine
    read_back: str = "accepted"  # accepted | shown | seller_set
    propagation_deadline_seconds: float = 300
    read_lag_seconds: float = 60
    restock_on_cancel: bool = True
    know_seconds: float = 40  # mean time until we know of an order, before anything is measured: by notification
    ack_seconds: float = 40  # mean time until a quantity is in force
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
        ranges = {
            "listing_page": (1, 20),
            "order_page": (1, 100),
            "feed_messages": (0, MOST_FEED_MESSAGES),
        }
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise SetupError(f"setting {name} must be between {least} and {most}", channel=CHANNEL)
        if not self.rate_factor > 0:
            raise SetupError("setting rate_factor must be above 0", channel=CHANNEL)
        if not self.marketplace_id:
            raise SetupError("setting marketplace_id must not be empty", channel=CHANNEL)


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
            read = tuple(text(each) for each in parts if text(each)) if isinstance(parts, list | tuple) else None
    if read is None or (isinstance(read, int | float) and read < 0):
        raise SetupError(f"setting {name} can't be {value!r}", channel=CHANNEL)
    return read


def default_settings() -> dict[str, Any]:
    """Name and default of every setting, as the admin shows them."""
    return {field.name: field.default for field in fields(Settings)}
