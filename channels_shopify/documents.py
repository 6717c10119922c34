"""
Every GraphQL document that we send, for Admin API 2026-10 (they also fit 2026-04 and 2026-07).

Two rules that the schema does not hold: inventory writes carry ``@idempotent(key:)`` on the field, and every quantity row carries
``changeFromQuantity``. None selects e-mail, phone, name or address of a buyer.
"""

from __future__ import annotations

SHOP_INFO = """
query ShopInfo {
  shop { id name myshopifyDomain currencyCode ianaTimezone taxesIncluded plan { publicDisplayName } }
  currentAppInstallation { accessScopes { handle } }
}
"""

LOCATIONS_PAGE = """
query LocationsPage($cursor: String) {
  locations(first: 50, after: $cursor, includeInactive: true) {
    nodes {
      id name isActive fulfillsOnlineOrders shipsInventory isFulfillmentService
      fulfillmentService { handle inventoryManagement }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_VARIANT = """
fragment VariantForSync on ProductVariant {
  id legacyResourceId sku barcode title displayName price taxable
  inventoryPolicy inventoryQuantity requiresComponents updatedAt
  selectedOptions { name value }
  product { id title status vendor productType }
  inventoryItem {
    id legacyResourceId sku tracked duplicateSkuCount harmonizedSystemCode countryCodeOfOrigin
    countryHarmonizedSystemCodes(first: 5) { nodes { countryCode harmonizedSystemCode } }
  }
  hsnMetafield: metafield(namespace: $hsnNamespace, key: $hsnKey) { value type }
}
"""

VARIANTS_PAGE = (
    """
query VariantsPage($first: Int!, $cursor: String, $query: String, $hsnNamespace: String!, $hsnKey: String!) {
  productVariants(first: $first, after: $cursor, query: $query, sortKey: ID) {
    nodes { ...VariantForSync }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _VARIANT
)

VARIANTS_BY_ID = (
    """
query VariantsById($ids: [ID!]!, $hsnNamespace: String!, $hsnKey: String!) {
  nodes(ids: $ids) { ...VariantForSync }
}
"""
    + _VARIANT
)

LEVELS_FOR_ITEMS = """
query LevelsForItems($ids: [ID!]!, $locationId: ID!) {
  nodes(ids: $ids) {
    ... on InventoryItem {
      id sku tracked
      inventoryLevel(locationId: $locationId, includeInactive: true) {
        id isActive updatedAt
        quantities(names: ["available", "on_hand", "committed"]) { name quantity updatedAt }
      }
    }
  }
}
"""

LEVELS_CHANGED = """
query LevelsChanged($locationId: ID!, $cursor: String, $query: String!) {
  location(id: $locationId) {
    id
    inventoryLevels(first: 100, after: $cursor, query: $query) {
      nodes { id updatedAt item { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

SET_QUANTITIES = """
mutation SetQuantities($input: InventorySetQuantitiesInput!, $idempotencyKey: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $idempotencyKey) {
    inventoryAdjustmentGroup {
      id createdAt reason referenceDocumentUri
      changes { name delta item { id } location { id } }
    }
    userErrors { field message code }
  }
}
"""

ACTIVATE_LEVEL = """
mutation ActivateLevel($inventoryItemId: ID!, $locationId: ID!, $available: Int, $idempotencyKey: String!) {
  inventoryActivate(inventoryItemId: $inventoryItemId, locationId: $locationId, available: $available)
    @idempotent(key: $idempotencyKey) {
    inventoryLevel { id isActive quantities(names: ["available", "on_hand"]) { name quantity } }
    userErrors { field message }
  }
}
"""

ITEM_UPDATE = """
mutation ItemUpdate($id: ID!, $input: InventoryItemInput!) {
  inventoryItemUpdate(id: $id, input: $input) {
    inventoryItem { id sku tracked }
    userErrors { field message }
  }
}
"""

VARIANT_UPDATE = """
mutation VariantUpdate($productId: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $productId, variants: $variants) {
    productVariants { id inventoryPolicy }
    userErrors { field message code }
  }
}
"""

_ORDER_FIELDS = """
    id legacyResourceId name test createdAt processedAt updatedAt cancelledAt cancelReason closedAt
    displayFinancialStatus displayFulfillmentStatus
"""

_LINE_FIELDS = """
        id sku name quantity currentQuantity unfulfilledQuantity requiresShipping
        variant { id inventoryItem { id } }
"""

_REFUNDS = """
    refunds(first: 20) {
      id createdAt
      refundLineItems(first: 50) { nodes { id quantity restockType restocked location { id } lineItem { id sku } } }
    }
"""

ORDERS_PAGE = f"""
query OrdersUpdatedSince($first: Int!, $cursor: String, $query: String!) {{
  orders(first: $first, after: $cursor, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ ...OrderForSync }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
fragment OrderForSync on Order {{
{_ORDER_FIELDS}
    lineItems(first: 50) {{
      nodes {{
{_LINE_FIELDS}
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
{_REFUNDS}
}}
"""

ORDER_BY_ID = f"""
query OrderForSyncById($id: ID!, $lineCursor: String) {{
  order(id: $id) {{
{_ORDER_FIELDS}
    lineItems(first: 100, after: $lineCursor) {{
      nodes {{
{_LINE_FIELDS}
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
    fulfillmentOrders(first: 20) {{
      nodes {{
        id status
        assignedLocation {{ name location {{ id }} }}
        lineItems(first: 50) {{ nodes {{ id remainingQuantity totalQuantity lineItem {{ id }} }} }}
      }}
    }}
{_REFUNDS}
  }}
}}
"""

WEBHOOK_LIST = """
query WebhookList($cursor: String) {
  webhookSubscriptions(first: 100, after: $cursor) {
    nodes { id topic uri format name apiVersion { handle supported } createdAt updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""

WEBHOOK_CREATE = """
mutation WebhookCreate($topic: WebhookSubscriptionTopic!, $webhookSubscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $webhookSubscription) {
    webhookSubscription { id topic uri format name apiVersion { handle supported } includeFields filter }
    userErrors { field message }
  }
}
"""
