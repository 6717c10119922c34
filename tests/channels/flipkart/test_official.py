"""The check against the official model is a check: it refuses what is wrong."""

from __future__ import annotations

import json

import jsonschema
import pytest

from tests.channels.flipkart import official
from tests.channels.flipkart.stub import Seen

GOOD = {"A": {"product_id": "P", "locations": [{"id": "L", "inventory": 1}]}}


def request(body: object, path: str = "/sellers/listings/v3/update/inventory", method: str = "POST") -> Seen:
    return Seen(
        method=method, target=path, headers={"content-type": "application/json"}, body=json.dumps(body).encode()
    )


def test_a_right_request_passes():
    assert official.check(request(GOOD)) == "/sellers/listings/v3/update/inventory"


@pytest.mark.parametrize(
    "body",
    [
        {"A": {"locations": []}},
        {"A": {"product_id": "P", "locations": [{"id": "L"}]}},
        {"A": {"product_id": "P", "locations": [{"id": "L", "inventory": "1"}]}},
        {"A": {"product_id": "P", "locations": [{"id": "L", "inventory": 1, "quantity": 1}]}},
    ],
)
def test_a_wrong_body_is_refused(body):
    with pytest.raises(jsonschema.ValidationError):
        official.check(request(body))


def test_a_filter_without_the_lists_that_hide_shipments_is_refused():
    with pytest.raises(jsonschema.ValidationError):
        official.check(request({"filter": {"type": "preDispatch"}}, "/sellers/v3/shipments/filter"))


@pytest.mark.parametrize("path", ["/listings/v3/update/inventory", "/sellers/v3/orders/search"])
def test_an_unknown_path_is_refused(path):
    with pytest.raises(AssertionError):
        official.check(request(GOOD, path))


def test_an_unknown_query_field_is_refused():
    with pytest.raises(AssertionError):
        official.check(Seen(method="GET", target="/sellers/v2/returns?fromDate=x", headers={}, body=b""))
