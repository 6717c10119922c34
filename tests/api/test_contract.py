"""The API against its own description: whatever a caller sends, it never answers with a server error, and what it answers is described."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from inventory_sync.alerts.models import Alert
from inventory_sync.alerts.services import raise_alert
from inventory_sync.config.wsgi import application
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.models import SaleEvent
from inventory_sync.orders.models import Order
from inventory_sync.stock.models import Warehouse
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku
from tests.api.conftest import make_key

NETWORK = r"/(test|pull|subscribe)/$"  # they call a marketplace: tested against the sandbox

EXAMPLES = 6


KNOWN = {
    "sku": "TEE-M",
    "warehouse": "BLR",
    "to_warehouse": "DEL",
    "account": "fk",
    "warehouses": ["BLR"],
    "accounts": ["fk"],
}
IDS: dict[str, int] = {}  # one row of each kind, by the first part of the path


def grounded(case):
    """Let a made-up request mean rows that there are: otherwise nearly all of them end at the first 404."""
    kind = case.operation.path.removeprefix("/api/v1/").split("/")[0]
    if "id" in (case.path_parameters or {}):
        case.path_parameters["id"] = IDS[kind]
    if isinstance(case.body, dict):
        case.body.update({name: value for name, value in KNOWN.items() if name in case.body})
    if kind == "adjustments":
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    return case


@pytest.fixture
def described(transactional_db):
    """The schema, over a database with one of everything."""
    now = timezone.now()
    account = ChannelAccount.objects.create(channel="flipkart", name="fk")
    warehouse = Warehouse.objects.create(code="BLR")
    Warehouse.objects.create(code="DEL")
    raise_alert(kind="test", key="1", title="x")
    event = SaleEvent.objects.create(name="e", starts_at=now, ends_at=now + timedelta(hours=1))
    sku = Sku.objects.create(code="TEE-M")
    change = ListingChange.objects.create(account=account, sku=sku, seller_sku="K", what="price", proposed_at=now)
    rows = {
        "accounts": account,
        "sync": account,
        "warehouses": warehouse,
        "skus": sku,
        "locations": ChannelLocation.objects.create(account=account, external_id="LOC1"),
        "listings": Listing.objects.create(account=account, key="K", fulfilment="NON_FBF"),
        "orders": Order.objects.create(account=account, key="1", order_number="1", first_seen_at=now),
        "sale-events": event,
        "alerts": Alert.objects.get(),
        "listing-changes": change,
    }
    IDS.update({kind: row.pk for kind, row in rows.items()})
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
    schema.config.update(headers={"Authorization": f"Bearer {make_key('write')}"})
    return schema.exclude(path_regex=NETWORK)


def try_operation(operation, mode) -> int:
    """Call an operation with what its description allows, or with what it forbids. :return: calls made."""
    tried = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def try_it(case):
        nonlocal tried
        if mode is GenerationMode.POSITIVE:
            grounded(case)
        case.call_and_validate(checks=[not_a_server_error, status_code_conformance, content_type_conformance])
        tried += 1

    try_it()
    return tried


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_is_answered_with_a_server_error(described, mode):
    calls = {}
    for result in described.get_all_operations():
        operation = result.ok()
        try:
            calls[operation.label] = try_operation(operation, mode)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # nothing can be wrong with a call without input

    assert len(calls) >= 25
    assert sum(calls.values()) >= len(calls) * EXAMPLES // 2
