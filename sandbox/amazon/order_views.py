"""An order as the 2026-01-01 API and the ORDER_CHANGE notification write it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.amazon.model import Order, OrderItem, Package
from sandbox.amazon.settings import INDIA
from sandbox.amazon.times import millis_z, seconds_z

DATA_SETS = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "EXPENSE",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
    "FULFILLMENT_ORDERS",
)
NOTIFICATION_STATUS = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}
EASY_SHIP_STATUS = {
    "PENDING_SCHEDULE": "PendingSchedule",
    "PENDING_PICK_UP": "PendingPickUp",
    "PENDING_DROP_OFF": "PendingDropOff",
    "LABEL_CANCELLED": "LabelCanceled",
    "PICKED_UP": "PickedUp",
    "DROPPED_OFF": "DroppedOff",
    "AT_ORIGIN_FC": "AtOriginFC",
    "AT_DESTINATION_FC": "AtDestinationFC",
    "OUT_FOR_DELIVERY": "OutForDelivery",
    "DELIVERED": "Delivered",
    "REJECTED_BY_BUYER": "RejectedByBuyer",
    "UNDELIVERABLE": "Undeliverable",
    "RETURNING_TO_SELLER": "ReturningToSeller",
    "RETURNED_TO_SELLER": "ReturnedToSeller",
    "LOST": "Lost",
    "DAMAGED": "Damaged",
}
PRIMARY_STATUS = {
    **dict.fromkeys(("PENDING_SCHEDULE", "PENDING_PICK_UP", "PENDING_DROP_OFF"), "PENDING"),
    **dict.fromkeys(("PICKED_UP", "DROPPED_OFF"), "SHIPPED"),
    **dict.fromkeys(("AT_ORIGIN_FC", "AT_DESTINATION_FC", "OUT_FOR_DELIVERY"), "IN_TRANSIT"),
    "LABEL_CANCELLED": "CANCELLED",
    "DELIVERED": "DELIVERED",
    **dict.fromkeys(
        ("REJECTED_BY_BUYER", "UNDELIVERABLE", "RETURNING_TO_SELLER", "RETURNED_TO_SELLER", "LOST", "DAMAGED"),
        "UNDELIVERABLE",
    ),
}


def order_body(
    order: Order, *, included: Collection[str], unknown_status: bool = False, without_sku: bool = False
) -> dict[str, Any]:
    """
    One ``Order`` of the 2026-01-01 model, pruned to the asked data sets.

    :param unknown_status: fault: a status that no model names.
    :param without_sku: fault: ``sellerSku`` is missing, as the model allows.
    """
    body: dict[str, Any] = {
        "orderId": order.order_id,
        "createdTime": seconds_z(order.created_at),
        "lastUpdatedTime": millis_z(order.updated_at),
        "programs": ["AMAZON_EASY_SHIP"] if order.easy_ship else [],
        "associatedOrders": order.associated,
        "salesChannel": {"channelName": order.channel_name, "marketplaceId": INDIA, "marketplaceName": "Amazon.in"},
        "orderItems": [_item_body(item, included=included, without_sku=without_sku) for item in order.items],
    }
    if "FULFILLMENT" in included:
        body["fulfillment"] = {
            "fulfillmentStatus": "AWAITING_SOMETHING_NEW" if unknown_status else order.status,
            "fulfilledBy": "AMAZON" if order.fulfilled_by == "AFN" else "MERCHANT",
            "fulfillmentServiceLevel": "STANDARD",
            "shipByWindow": {
                "earliestDateTime": seconds_z(order.created_at),
                "latestDateTime": seconds_z(order.created_at + timedelta(days=1)),
            },
        }
    if "PACKAGES" in included and order.fulfilled_by == "MFN":
        body["packages"] = [_package_body(package) for package in order.packages.values()]
    if "FULFILLMENT_ORDERS" in included and order.fulfillment_order_id:
        body["fulfillmentOrders"] = [{"fulfillmentOrderId": order.fulfillment_order_id}]
    if "PROCEEDS" in included:
        total = sum((Decimal(item.price) * item.ordered for item in order.items), Decimal(0))
        body["proceeds"] = {"grandTotal": {"amount": str(total), "currencyCode": "INR"}}
    if "BUYER" in included:
        body["buyer"] = {}
    if "RECIPIENT" in included and order.status not in {"PENDING", "PENDING_AVAILABILITY"}:
        body["recipient"] = {"deliveryAddress": {"postalCode": order.postal_code, "countryCode": "IN"}}
    if "TAX" in included:
        body["tax"] = {"taxInvoicing": {"invoiceStatus": "NOT_FOUND" if order.easy_ship else "NOT_REQUIRED"}}
    if "PAYMENT" in included:
        body["payment"] = {"paymentExecutions": []}
    return body


def _item_body(item: OrderItem, *, included: Collection[str], without_sku: bool) -> dict[str, Any]:
    product: dict[str, Any] = {"asin": item.asin, "title": item.title}
    if not without_sku:
        product["sellerSku"] = item.sku
    product["price"] = {"unitPrice": {"amount": item.price, "currencyCode": "INR"}}
    body: dict[str, Any] = {"orderItemId": item.order_item_id, "quantityOrdered": item.ordered, "product": product}
    if "FULFILLMENT" in included:
        body["fulfillment"] = {"quantityFulfilled": item.shipped, "quantityUnfulfilled": item.open}
    if "CANCELLATION" in included:
        cancellation: dict[str, Any] = {}
        if item.cancel_requested:
            cancellation["cancellationRequest"] = {"requester": "BUYER", "cancelReason": "Ordered by mistake"}
        if item.cancelled:
            cancellation["cancellationExecution"] = {"cancelledBy": item.cancelled_by, "cancelReason": "Cancelled"}
        if cancellation:
            body["cancellation"] = cancellation
    if "PROCEEDS" in included:
        amount = str(Decimal(item.price) * item.ordered)
        body["proceeds"] = {"proceedsTotal": {"amount": amount, "currencyCode": "INR"}}
    return body


def _package_body(package: Package) -> dict[str, Any]:
    body: dict[str, Any] = {
        "packageReferenceId": package.reference,
        "createdTime": seconds_z(package.created_at),
        "packageStatus": {"status": PRIMARY_STATUS[package.detailed_status], "detailedStatus": package.detailed_status},
        "carrier": package.carrier,
        "packageItems": [
            {"orderItemId": order_item_id, "quantity": units} for order_item_id, units in package.quantities.items()
        ],
    }
    if package.tracking_number:
        body["trackingNumber"] = package.tracking_number
    if package.shipped_at is not None:
        body["shipTime"] = seconds_z(package.shipped_at)
    return body


def order_change_payload(
    order: Order, *, items: Sequence[OrderItem], item_level: bool, change_type: str, reason: str, with_time: bool
) -> dict[str, Any]:
    """The payload of ORDER_CHANGE as of now; ``items`` is one item on item level."""
    summary: dict[str, Any] = {
        "MarketplaceId": INDIA,
        "OrderStatus": NOTIFICATION_STATUS[order.status],
        "PurchaseDate": millis_z(order.created_at),
        "DestinationPostalCode": None if order.status == "PENDING" else order.postal_code,
        "FulfillmentType": order.fulfilled_by,
        "OrderType": "StandardOrder",
        "NumberOfItemsShipped": sum(item.shipped for item in order.items),
        "NumberOfItemsUnshipped": sum(item.open for item in order.items),
        "EarliestShipDate": seconds_z(order.created_at),
        "LatestShipDate": seconds_z(order.created_at + timedelta(days=1)),
        "OrderPrograms": ["Replacement"] if order.associated else [],
        "ShippingPrograms": ["EasyShip"] if order.easy_ship else [],
        "OrderItems": [_change_item(item) for item in items],
    }
    if order.easy_ship:
        package = order.packages.get("1")
        summary["EasyShipShipmentStatus"] = EASY_SHIP_STATUS[package.detailed_status if package else "PENDING_SCHEDULE"]
    return {
        "OrderChangeNotification": {
            "NotificationLevel": "OrderItemLevel" if item_level else "OrderLevel",
            "SellerId": order.seller_id,
            "AmazonOrderId": order.order_id,
            "OrderChangeType": change_type,
            "OrderChangeTrigger": {
                "TimeOfOrderChange": millis_z(order.updated_at) if with_time else None,
                "ChangeReason": reason,
            },
            "Summary": summary,
        }
    }


def _change_item(item: OrderItem) -> dict[str, Any]:
    body: dict[str, Any] = {
        "OrderItemId": item.order_item_id,
        "SellerSKU": item.sku,
        "SupplySourceId": None,
        "OrderItemStatus": "Shipped" if item.shipped and not item.open else "Unshipped",
        "Quantity": item.ordered,
        "QuantityShipped": item.shipped,
    }
    if item.cancel_requested:
        body["IsBuyerRequestedCancel"] = True
    return body
