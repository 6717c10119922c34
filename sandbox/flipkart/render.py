"""State to JSON: shipments, shipping details, returns, in the shapes of sections 6.2, 6.5 and 7.1."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from sandbox.flipkart.model import OrderItem, ReturnItem, Shipment
from sandbox.flipkart.state import State
from sandbox.flipkart.times import ist, utc_z

PROFILE_NAMES = {"NON_FBF": "Seller_Fulfilment", "FBF_LITE": "Smart_Fulfilment", "FBF": "Flipkart_Fulfilment"}
SHIPPING_CHARGE = 40
ADDRESS = {
    "firstName": "Demo",
    "lastName": "Buyer",
    "addressLine1": "1 Demo Road",
    "addressLine2": "",
    "landmark": "",
    "city": "Pune",
    "state": "Maharashtra",
    "stateCode": "IN-MH",
    "stateName": "Maharashtra",
    "pincode": "411001",
    "contactNumber": None,
}


def shipment_json(state: State, shipment: Shipment, items: Iterable[OrderItem] | None = None) -> dict[str, Any]:
    """The shipment object of filter, get by id and push. ``items``: only these parts; None means all."""
    chosen = shipment.items if items is None else list(items)
    rendered: dict[str, Any] = {
        "shipmentId": shipment.shipment_id,
        "dispatchByDate": ist(shipment.dispatch_by),
        "dispatchAfterDate": ist(shipment.dispatch_after),
        "updatedAt": ist(shipment.updated_at),
        "locationId": shipment.location_id,
        "hold": shipment.hold,
        "mps": shipment.mps,
        "packagingPolicy": "DEFAULT",
        "shipmentType": shipment.shipment_type,
        "subShipments": [{"subShipmentId": "SS-1", "packages": shipment.packages}],
        "orderItems": [_item_json(state, shipment, item) for item in chosen],
        "forms": [
            {"name": form["name"], "link": form["link"], "automated": form["automated"]} for form in shipment.forms
        ],
    }
    if state.settings.extra_fields:
        rendered["slaTierCode"] = "T2"
    return rendered


def _item_json(state: State, shipment: Shipment, item: OrderItem) -> dict[str, Any]:
    listing = state.listings.get(item.sku)
    selling = float(item.unit_price * item.quantity)
    rendered: dict[str, Any] = {
        "orderItemId": item.order_item_id,
        "orderId": item.order_id,
        "cancellationGroupId": item.cancellation_group_id,
        "orderDate": ist(item.order_date),
        "paymentType": item.payment_type,
        "status": item.status,
        "courierReturn": item.courier_return,
        "quantity": quantity_json(state, item.quantity),
        "fsn": listing.product_id if listing else "",
        "sku": html.escape(item.sku, quote=True) if state.settings.escape_sku else item.sku,
        "listingId": listing.listing_id if listing else "",
        "hsn": listing.hsn if listing else "",
        "title": listing.title if listing else "",
        "packageIds": [package["id"] for package in shipment.packages],
        "priceComponents": {
            "sellingPrice": selling,
            "totalPrice": selling + SHIPPING_CHARGE,
            "shippingCharge": float(SHIPPING_CHARGE),
            "customerPrice": selling + SHIPPING_CHARGE,
            "flipkartDiscount": 0.0,
        },
        "serviceProfile": PROFILE_NAMES.get(shipment.service_profile, shipment.service_profile),
        state.settings.replacement_field: item.is_replacement,
    }
    if item.status == "CANCELLED":
        rendered["cancellationDate"] = ist(item.cancellation_date)
        rendered["cancellationReason"] = item.cancellation_reason
        rendered["cancellationSubReason"] = item.cancellation_sub_reason
    return rendered


def quantity_json(state: State, quantity: int) -> int | float:
    """The quantity, now and then as ``1.0``."""
    as_float = (
        state.rng("float").random() < state.settings.float_quantity_share
        or state.fault("quantity_as_float") is not None
    )
    return float(quantity) if as_float else quantity


def shipping_details_json(shipment: Shipment) -> dict[str, Any]:
    """Who it goes to and by whom; tracking ids once it is packed, a contact number for self-ship only."""
    courier = {"vendorName": shipment.courier, "trackingId": shipment.tracking_id} if shipment.tracking_id else {}
    address = {**ADDRESS, "contactNumber": "0000000000" if shipment.shipment_type == "SELF" else None}
    return {
        "orderId": shipment.order_id,
        "shipmentId": shipment.shipment_id,
        "locationId": shipment.location_id,
        "weighingRequired": False,
        "orderItems": [{"id": item.order_item_id, "quantity": item.quantity} for item in shipment.live_items()],
        "deliveryAddress": address,
        "billingAddress": address,
        "sellerAddress": {},
        "returnAddress": {},
        "buyerDetails": {"firstName": "Demo", "lastName": "Buyer"},
        "subShipments": [
            {"subShipmentId": "SS-1", "courierDetails": {"pickupDetails": courier, "deliveryDetails": courier}}
        ],
    }


def return_json(state: State, item: ReturnItem) -> dict[str, Any]:
    """A return item as pulled: no SKU, lower-case status, both spellings of time in one object."""
    rendered: dict[str, Any] = {
        "returnId": item.return_id,
        "orderItemId": item.item.order_item_id,
        "orderId": item.item.order_id,
        "shipmentId": item.shipment.shipment_id,
        "locationId": item.shipment.location_id,
        "quantity": quantity_json(state, item.quantity),
        "status": item.status,
        "type": item.source,
        "action": item.action,
        "reason": item.reason,
        "subReason": item.sub_reason,
        "courierName": item.courier,
        "trackingId": item.tracking_id,
        "shipmentStatus": item.shipment_status,
        "orderDate": ist(item.item.order_date),
        "createdDate": ist(item.created_at),
        "updatedDate": utc_z(item.updated_at),
        "approvedOn": ist(item.approved_at),
        "completedDate": ist(item.completed_at),
        "expectedDate": ist(item.expected_at),
        "comments": item.comments,
        "serviceProfile": PROFILE_NAMES.get(item.shipment.service_profile, item.shipment.service_profile),
        "services": [service for service in item.shipment.services if service["serviceType"] == "REVERSE"],
    }
    if state.settings.extra_fields:
        rendered["vendorRank"] = 1
    return rendered


def return_push_json(state: State, item: ReturnItem) -> dict[str, Any]:
    """A return item as pushed by ``return_created``."""
    listing = state.listings.get(item.item.sku)
    return {
        "returnId": item.return_id,
        "orderItemId": item.item.order_item_id,
        "source": item.source,
        "action": item.action,
        "quantity": item.quantity,
        "orderDate": ist(item.item.order_date),
        "createdDate": ist(item.created_at),
        "updatedDate": ist(item.updated_at),
        "courierName": item.courier,
        "reason": item.reason,
        "subReason": item.sub_reason,
        "trackingId": item.tracking_id,
        "shipmentId": item.shipment.shipment_id,
        "comments": item.comments,
        "completionDate": ist(item.completed_at),
        "replacementOrderItemId": None,
        "productId": listing.product_id if listing else "",
        "listingId": listing.listing_id if listing else "",
        "expectedDate": ist(item.expected_at),
    }
