"""The GraphQL documents that a client of the product sends (contract, section 11)."""

SHOP_INFO = """
query ShopInfo {
  shop { id name myshopifyDomain currencyCode ianaTimezone taxesIncluded plan { publicDisplayName } }
  currentAppInstallation { accessScopes { handle } }
}
"""

LOCATIONS = """
query LocationsPage($cursor: String) {
  locations(first: 50, after: $cursor, includeInactive: true) {
    nodes {
      id name isActive fulfillsOnlineOrders shipsInventory isFulfillmentService
      fulfillmentService { handle inventoryManagement }
      address { city province provinceCode countryCode zip }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

VARIANTS_PAGE = """
query VariantsPage($first: Int!, $cursor: String, $query: String, $hsnNamespace: String!, $hsnKey: String!) {
  productVariants(first: $first, after: $cursor, query: $query, sortKey: ID) {
    nodes {
      id legacyResourceId sku barcode title displayName price taxable
      inventoryPolicy inventoryQuantity requiresComponents updatedAt
      product { id title status }
      inventoryItem {
        id legacyResourceId sku tracked duplicateSkuCount harmonizedSystemCode countryCodeOfOrigin
        countryHarmonizedSystemCodes(first: 5) { nodes { countryCode harmonizedSystemCode } }
      }
      hsnMetafield: metafield(namespace: $hsnNamespace, key: $hsnKey) { value type }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

LEVELS_FOR_ITEMS = """
query LevelsForItems($ids: [ID!]!, $locationId: ID!) {
  nodes(ids: $ids) {
    ... on InventoryItem {
      id sku tracked
      inventoryLevel(locationId: $locationId, includeInactive: true) {
        id isActive updatedAt
        quantities(names: ["available", "on_hand", "committed", "reserved", "damaged", "safety_stock", "quality_control", "incoming"]) {
          name quantity updatedAt
        }
      }
    }
  }
}
"""

LOCATION_LEVELS_PAGE = """
query LocationLevelsPage($locationId: ID!, $cursor: String, $query: String) {
  location(id: $locationId) {
    id
    inventoryLevels(first: 100, after: $cursor, query: $query) {
      nodes { id updatedAt item { id sku } quantities(names: ["available", "on_hand", "committed"]) { name quantity } }
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

ADJUST_QUANTITIES = """
mutation AdjustQuantities($input: InventoryAdjustQuantitiesInput!, $idempotencyKey: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $idempotencyKey) {
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
    inventoryItem {
      id sku tracked harmonizedSystemCode
      countryHarmonizedSystemCodes(first: 5) { nodes { countryCode harmonizedSystemCode } }
    }
    userErrors { field message }
  }
}
"""

ORDERS_PAGE = """
query OrdersUpdatedSince($first: Int!, $cursor: String, $query: String!) {
  orders(first: $first, after: $cursor, query: $query, sortKey: UPDATED_AT) {
    nodes { ...OrderForSync }
    pageInfo { hasNextPage endCursor }
  }
}
fragment OrderForSync on Order {
  id legacyResourceId name test sourceName createdAt processedAt updatedAt cancelledAt cancelReason closedAt
  displayFinancialStatus displayFulfillmentStatus taxesIncluded currencyCode
  currentTotalPriceSet { shopMoney { amount currencyCode } }
  lineItems(first: 50) {
    nodes {
      id sku name quantity currentQuantity unfulfilledQuantity nonFulfillableQuantity requiresShipping
      variant { id inventoryItem { id } }
      taxLines { title rate priceSet { shopMoney { amount } } }
      customAttributes { key value }
    }
    pageInfo { hasNextPage endCursor }
  }
  refunds(first: 20) {
    id createdAt
    refundLineItems(first: 50) { nodes { id quantity restockType restocked location { id } lineItem { id sku } } }
  }
}
"""

ORDER_BY_ID = """
query OrderForSyncById($id: ID!, $lineCursor: String) {
  order(id: $id) {
    id name test updatedAt cancelledAt displayFulfillmentStatus
    lineItems(first: 100, after: $lineCursor) {
      nodes { id sku quantity currentQuantity unfulfilledQuantity variant { id inventoryItem { id } } }
      pageInfo { hasNextPage endCursor }
    }
    fulfillmentOrders(first: 20) {
      nodes {
        id status
        assignedLocation { name location { id } }
        lineItems(first: 50) { nodes { id remainingQuantity totalQuantity lineItem { id } } }
      }
    }
    refunds(first: 20) {
      id createdAt
      refundLineItems(first: 50) { nodes { id quantity restockType restocked location { id } lineItem { id sku } } }
    }
    returns(first: 10) { nodes { id name status totalQuantity } }
  }
}
"""

BULK_START = """
mutation BulkStart($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status createdAt }
    userErrors { field message code }
  }
}
"""

BULK_INNER_INVENTORY = """
{
  productVariants {
    edges {
      node {
        id sku barcode
        inventoryItem {
          id tracked harmonizedSystemCode
          inventoryLevels {
            edges { node { id location { id } quantities(names: ["available", "on_hand", "committed"]) { name quantity } } }
          }
        }
      }
    }
  }
}
"""

BULK_POLL = """
query BulkPoll($id: ID!) {
  bulkOperation(id: $id) {
    id status errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl
  }
}
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

WEBHOOK_DELETE = """
mutation WebhookDelete($id: ID!) {
  webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
}
"""

DOCUMENTS = {
    "shop_info": SHOP_INFO,
    "locations": LOCATIONS,
    "variants_page": VARIANTS_PAGE,
    "levels_for_items": LEVELS_FOR_ITEMS,
    "location_levels_page": LOCATION_LEVELS_PAGE,
    "set_quantities": SET_QUANTITIES,
    "adjust_quantities": ADJUST_QUANTITIES,
    "activate_level": ACTIVATE_LEVEL,
    "item_update": ITEM_UPDATE,
    "orders_page": ORDERS_PAGE,
    "order_by_id": ORDER_BY_ID,
    "bulk_start": BULK_START,
    "bulk_inner_inventory": BULK_INNER_INVENTORY,
    "bulk_poll": BULK_POLL,
    "webhook_list": WEBHOOK_LIST,
    "webhook_create": WEBHOOK_CREATE,
    "webhook_delete": WEBHOOK_DELETE,
}
