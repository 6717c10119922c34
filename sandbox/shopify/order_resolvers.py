"""Reading orders: lines, refunds, fulfilment orders, returns. See :mod:`sandbox.shopify.resolvers`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify.model import Product, Variant
from sandbox.shopify.order_model import Fulfillment, FulfillmentOrder, Line, Order, Refund
from sandbox.shopify.payloads import gateways, money
from sandbox.shopify.resolvers import RESOLVERS, context_of, paging, resolves
from sandbox.shopify.search import page


def money_bag(info: GraphQLResolveInfo, amount: Decimal) -> dict[str, Any]:
    pair = {"amount": money(amount), "currencyCode": context_of(info).shop.currency}
    return {"shopMoney": pair, "presentmentMoney": pair}


SIMPLE_ORDER_FIELDS: dict[str, Callable[[Order, GraphQLResolveInfo], Any]] = {
    "number": lambda order, info: order.order_number,
    "confirmed": lambda order, info: True,
    "closed": lambda order, info: order.closed_at is not None,
    "cancelReason": lambda order, info: order.cancel_reason.upper() if order.cancel_reason else None,
    "displayFinancialStatus": lambda order, info: order.financial_status,
    "displayFulfillmentStatus": lambda order, info: order.fulfillment_status,
    "taxesIncluded": lambda order, info: True,
    "currencyCode": lambda order, info: context_of(info).shop.currency,
    "currentTotalPriceSet": lambda order, info: money_bag(info, order.total),
    "totalPriceSet": lambda order, info: money_bag(info, order.original_total),
    "paymentGatewayNames": lambda order, info: gateways(order),
    "tags": lambda order, info: [],
}
RESOLVERS.update({f"Order.{name}": resolver for name, resolver in SIMPLE_ORDER_FIELDS.items()})


@resolves("Order.lineItems")
def order_lines(source: Order, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    return page(source.lines, **paging(info, arguments))


@resolves("Order.refunds", "Order.fulfillments")
def first_of_order(
    source: Order, info: GraphQLResolveInfo, *, first: int | None = None, query: str | None = None
) -> Any:
    rows = source.refunds if info.field_name == "refunds" else source.fulfillments
    return rows[:first]


@resolves("Order.fulfillmentOrders")
def fulfillment_orders(source: Order, info: GraphQLResolveInfo, *, displayable: bool = False, query: str | None = None,
                       **arguments: Any) -> Any:  # fmt: skip
    return page(source.fulfillment_orders, **paging(info, arguments))


@resolves("Order.returns")
def order_returns(source: Order, info: GraphQLResolveInfo, *, query: str | None = None, **arguments: Any) -> Any:
    return page(source.returns, **paging(info, arguments))


@resolves("FulfillmentOrder.assignedLocation")
def assigned_location(source: FulfillmentOrder, info: GraphQLResolveInfo) -> dict[str, Any]:
    exists = source.location.number in context_of(info).shop.locations
    return {"name": source.location.name, "location": source.location if exists else None}


@resolves("FulfillmentOrder.lineItems")
def fulfillment_order_lines(source: FulfillmentOrder, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    return page(source.lines, **paging(info, arguments))


@resolves("FulfillmentOrderLineItem.sku")
def fulfillment_line_sku(source: Any, info: GraphQLResolveInfo) -> str | None:
    sku: str | None = source.line.sku
    return sku


@resolves("FulfillmentOrderLineItem.inventoryItemId")
def fulfillment_line_item_id(source: Any, info: GraphQLResolveInfo) -> str | None:
    return source.line.variant.item.gid if source.line.variant else None


@resolves("FulfillmentOrderLineItem.lineItem", "RefundLineItem.lineItem")
def line_of(source: Any, info: GraphQLResolveInfo) -> Line:
    line: Line = source.line
    return line


@resolves("LineItem.variant")
def variant_of_line(source: Line, info: GraphQLResolveInfo) -> Variant | None:
    return source.live_variant


@resolves("LineItem.product")
def product_of_line(source: Line, info: GraphQLResolveInfo) -> Product | None:
    return source.live_variant.product if source.live_variant else None


@resolves("LineItem.variantTitle")
def variant_title_of_line(source: Line, info: GraphQLResolveInfo) -> str | None:
    return source.variant.title if source.variant else None


@resolves("LineItem.requiresShipping", "LineItem.taxable")
def yes(source: Line, info: GraphQLResolveInfo) -> bool:
    return True


@resolves("LineItem.isGiftCard")
def no(source: Line, info: GraphQLResolveInfo) -> bool:
    return False


@resolves("LineItem.originalUnitPriceSet")
def unit_price(source: Line, info: GraphQLResolveInfo) -> Any:
    return money_bag(info, source.price)


@resolves("LineItem.customAttributes")
def custom_attributes(source: Line, info: GraphQLResolveInfo) -> Any:
    return [{"key": each["name"], "value": each["value"]} for each in source.properties]


@resolves("LineItem.taxLines")
def tax_lines(source: Line, info: GraphQLResolveInfo, *, first: int | None = None) -> Any:
    rate = float(source.tax_rate)
    tax = {
        "title": "IGST",
        "rate": rate,
        "ratePercentage": rate * 100,
        "priceSet": money_bag(info, source.tax(source.quantity)),
    }
    return [tax][:first]


@resolves("Refund.updatedAt", "Refund.processedAt", "Fulfillment.updatedAt")
def as_created(source: Refund | Fulfillment, info: GraphQLResolveInfo) -> datetime:
    return source.created_at


@resolves("Refund.refundLineItems")
def refund_lines(source: Refund, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    return page(source.lines, **paging(info, arguments))


@resolves("Fulfillment.status")
def fulfillment_state(source: Fulfillment, info: GraphQLResolveInfo) -> str:
    return "SUCCESS"


@resolves("Fulfillment.totalQuantity")
def fulfillment_units(source: Fulfillment, info: GraphQLResolveInfo) -> int:
    return sum(units for _, units in source.lines)
