"""Login with Amazon, header checks, token buckets, and what a gateway may answer instead."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import requests

from sandbox.amazon.catalogue import DEMO_CODE, DEMO_REFRESH_TOKEN
from tests.sandbox.amazon_tools import FIXTURES, INDIA, SELLER, Api, amazon, until, validated

PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"


@pytest.fixture
def api() -> Iterator[Api]:
    with amazon(listings=[{"sku": "MUG", "quantity": 5}]) as client:
        yield client


def test_a_refresh_token_buys_an_access_token_whose_life_is_scaled(api: Api) -> None:
    answer = api.lwa(grant_type="refresh_token", refresh_token=DEMO_REFRESH_TOKEN)

    assert answer.status_code == 200
    body = answer.json()
    assert body["access_token"].startswith("Atza|")
    assert body["refresh_token"] == DEMO_REFRESH_TOKEN
    assert (body["token_type"], body["expires_in"]) == ("bearer", 36)  # 3600 s at factor 100


def test_an_authorisation_code_works_once_and_needs_the_redirect_uri(api: Api) -> None:
    without = api.lwa(grant_type="authorization_code", code=DEMO_CODE)
    first = api.lwa(grant_type="authorization_code", code=DEMO_CODE, redirect_uri="https://example.test/back")
    second = api.lwa(grant_type="authorization_code", code=DEMO_CODE, redirect_uri="https://example.test/back")

    assert (without.status_code, without.json()["error"]) == (400, "invalid_request")
    assert first.json()["refresh_token"] == DEMO_REFRESH_TOKEN
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")


def test_login_errors_have_their_own_shape(api: Api) -> None:
    answers = [
        api.lwa(grant_type="refresh_token", refresh_token=DEMO_REFRESH_TOKEN, client_secret="wrong"),
        api.lwa(grant_type="refresh_token", refresh_token="Atzr|other"),
        api.lwa(grant_type="client_credentials", scope="nothing"),
        api.lwa(),
        api.lwa(grant_type="password"),
    ]

    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (401, "invalid_client"),
        (400, "invalid_grant"),
        (400, "invalid_scope"),
        (400, "invalid_request"),
        (400, "unsupported_grant_type"),
    ]
    assert all(set(answer.json()) == {"error", "error_description"} for answer in answers)


def test_a_revoked_seller_loses_the_refresh_token_and_running_access_tokens_until_consenting_again(api: Api) -> None:
    assert api.get(PARTICIPATIONS).status_code == 200

    api.amazon.command("revoke", {})

    assert api.get(PARTICIPATIONS).status_code == 403
    refused = api.lwa(grant_type="refresh_token", refresh_token=DEMO_REFRESH_TOKEN)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    code = api.amazon.command("authorize", {})["code"]
    assert api.lwa(grant_type="authorization_code", code=code, redirect_uri="https://example.test/").status_code == 200
    assert api.get(PARTICIPATIONS).status_code == 200


def test_a_missing_token_is_403_unauthorized(api: Api) -> None:
    answer = requests.get(api.url + PARTICIPATIONS, timeout=5)

    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "Unauthorized"
    assert answer.json()["errors"][0]["message"] == "Access to requested resource is denied."


def test_an_expired_token_is_403_with_details() -> None:
    with amazon(settings={"token_seconds": 20}) as api:
        assert api.get(PARTICIPATIONS).status_code == 200
        assert until(lambda: api.get(PARTICIPATIONS).status_code == 403)
        answer = api.get(PARTICIPATIONS)

    assert answer.json()["errors"][0]["details"] == "The access token you provided has expired."


def test_a_call_without_user_agent_is_tolerated(api: Api) -> None:
    answer = api.call("GET", PARTICIPATIONS, headers={"user-agent": ""})

    assert answer.status_code == 200
    validated("sellers", "GetMarketplaceParticipationsResponse", answer.json())
    assert answer.json()["payload"][0]["marketplace"]["id"] == INDIA


def test_every_answer_has_a_request_id(api: Api) -> None:
    ids = {api.get(PARTICIPATIONS).headers["x-amzn-RequestId"] for _ in range(3)}

    assert len(ids) == 3


def test_the_bucket_of_search_orders_holds_twenty_calls_then_throttles_and_refills_by_its_rate() -> None:
    with amazon(clock_factor=200, settings={"rate_limits": True}) as api:
        path, window = "/orders/2026-01-01/orders", {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": INDIA}
        first = [api.get(path, **window) for _ in range(20)]
        refused = api.get(path, **window)
        again = until(lambda: api.get(path, **window).status_code == 200, seconds=3)

    assert {answer.status_code for answer in first} == {200}
    assert float(first[0].headers["x-amzn-RateLimit-Limit"]) == pytest.approx(0.0056 * 200)
    assert refused.status_code == 429
    assert refused.json() == json.loads((FIXTURES / "examples" / "error.429.json").read_text())
    assert "x-amzn-RateLimit-Limit" not in refused.headers
    assert "Retry-After" not in refused.headers
    assert again, "0.0056 x 200 calls a second refill within a second"


def test_buckets_are_per_seller_and_operation() -> None:
    sellers = [{"seller_id": SELLER}, {"seller_id": "A2SECOND", "refresh_token": "Atzr|second"}]
    with amazon(clock_factor=1, settings={"rate_limits": True}, sellers=sellers) as api:
        statuses = [api.get("/fba/inventory/v1/summaries", **FBA).status_code for _ in range(4)]
        api.tokens["second"] = api.lwa(grant_type="refresh_token", refresh_token="Atzr|second").json()["access_token"]
        other_seller = api.get("/fba/inventory/v1/summaries", token="second", **FBA).status_code
        other_operation = api.get(PARTICIPATIONS).status_code

    assert statuses[:2] == [200, 200]
    assert 429 in statuses[2:]
    assert (other_seller, other_operation) == (200, 200)


FBA = {"granularityType": "Marketplace", "granularityId": INDIA, "marketplaceIds": INDIA}


def test_the_rate_header_comes_with_400_and_404_but_not_with_403(api: Api) -> None:
    bad = api.get("/orders/2026-01-01/orders")
    unknown = api.get("/orders/2026-01-01/orders/405-0000000-0000000")
    foreign = api.get("/listings/2021-08-01/items/ASOMEBODYELSE/MUG", marketplaceIds=INDIA)

    assert (bad.status_code, unknown.status_code, foreign.status_code) == (400, 404, 403)
    assert ["x-amzn-RateLimit-Limit" in each.headers for each in (bad, unknown, foreign)] == [True, True, False]


def test_the_rate_header_can_be_switched_off() -> None:
    with amazon(settings={"rate_headers": False}) as api:
        assert "x-amzn-RateLimit-Limit" not in api.get(PARTICIPATIONS).headers


def test_gateways_may_answer_with_html_or_nothing_and_only_where_told(api: Api) -> None:
    faults = api.server.world.faults
    faults.switch_on("amazon.http_503_html", times=1, operation="getListingsItem")
    faults.switch_on("amazon.http_500_empty", times=1, operation=["getOrder"])
    faults.switch_on("amazon.http_500", times=1)

    known = api.get(PARTICIPATIONS)
    html = api.get(f"/listings/2021-08-01/items/{SELLER}/MUG", marketplaceIds=INDIA)
    empty = api.get("/orders/2026-01-01/orders/405-0000000-0000000")
    after = api.get(PARTICIPATIONS)

    assert (known.status_code, known.json()["errors"][0]["code"]) == (500, "InternalFailure")
    assert html.status_code == 503
    assert html.headers["content-type"].startswith("text/html")
    assert (empty.status_code, empty.content) == (500, b"")
    assert after.status_code == 200


def test_a_timeout_and_a_slow_answer_keep_the_caller_waiting(api: Api) -> None:
    faults = api.server.world.faults
    faults.switch_on("amazon.slow", times=1, seconds=0.3)
    began = time.monotonic()
    assert api.get(PARTICIPATIONS).status_code == 200
    assert time.monotonic() - began >= 0.3

    faults.switch_on("amazon.timeout", times=1, seconds=5)
    with pytest.raises(requests.Timeout):
        api.call("GET", PARTICIPATIONS, timeout=0.3)


def test_a_write_may_be_done_although_the_answer_is_a_500(api: Api) -> None:
    api.server.world.faults.switch_on("amazon.write_then_500", times=1)

    answer = api.patch("MUG", {"quantity": 9})

    assert answer.status_code == 500
    assert until(lambda: api.shown("MUG") == 9)


def test_calls_are_counted_by_operation_and_status(api: Api) -> None:
    api.get(PARTICIPATIONS)
    api.get("/orders/2026-01-01/orders")

    calls = api.amazon.stats()["calls"]

    assert calls["getMarketplaceParticipations"] == {"200": 1}
    assert calls["searchOrders"] == {"400": 1}
    assert calls["lwaToken"] == {"200": 1}


def test_two_sellers_with_one_application_see_only_their_own_listings() -> None:
    sellers = [{"seller_id": SELLER}, {"seller_id": "A2SECOND", "refresh_token": "Atzr|second"}]
    listings = [{"sku": "MUG", "quantity": 1}, {"sku": "PEN", "quantity": 2, "seller_id": "A2SECOND"}]
    with amazon(sellers=sellers, listings=listings) as api:
        api.tokens["second"] = api.lwa(grant_type="refresh_token", refresh_token="Atzr|second").json()["access_token"]
        mine = api.get(f"/listings/2021-08-01/items/{SELLER}/PEN", marketplaceIds=INDIA)
        theirs = api.get("/listings/2021-08-01/items/A2SECOND/PEN", token="second", marketplaceIds=INDIA)

    assert (mine.status_code, theirs.status_code) == (404, 200)
