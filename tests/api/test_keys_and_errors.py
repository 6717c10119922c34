"""Who may call, and what a caller reads when it goes wrong."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from inventory_sync.api.models import ApiToken
from tests.api.conftest import make_key


def test_a_call_without_a_key_is_refused_in_our_shape(db):
    answer = Client().get("/api/v1/skus/")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize("header", ["Bearer isync_wrong", "Bearer", "Bearer a b", "Basic YTpi"])
def test_wrong_and_malformed_keys_are_refused(db, header):
    assert Client(headers={"authorization": header}).get("/api/v1/skus/").status_code == 401


def test_a_revoked_key_stops_working_at_once(api):
    assert api.get("skus/").status_code == 200
    ApiToken.objects.update(revoked_at=timezone.now())
    assert api.get("skus/").status_code == 401


def test_a_key_that_may_read_changes_nothing(reader):
    answer = reader.post("skus/", {"code": "A"})

    assert answer.status_code == 403
    assert answer.json()["error"]["message"] == "This API key may not do that."
    assert reader.get("skus/").status_code == 200


def test_only_the_hash_of_a_key_is_stored(db):
    key = make_key("read")
    row = ApiToken.objects.get()

    assert key.startswith("isync_")
    assert key not in json.dumps([row.digest, row.name, row.hint])
    assert key.endswith(row.hint)


def test_unknown_fields_are_named_beside_wrong_ones(api):
    answer = api.post("skus/", {"colour": "red", "mrp": "-1", "id": 7})
    fields = answer.json()["error"]["fields"]

    assert answer.status_code == 400
    assert "no such field" in fields["colour"][0]
    assert "can't be set" in fields["id"][0]
    assert "required" in fields["code"][0]
    assert "mrp" in fields


def test_unknown_filters_are_named_with_the_known_ones(api):
    answer = api.get("orders/", acount="1")

    assert answer.status_code == 400
    assert "account" in answer.json()["error"]["fields"]["acount"][0]


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "1", "null"])
def test_a_body_that_is_no_object_is_a_bad_request(api, body):
    answer = api.client.post("/api/v1/skus/", body, content_type="application/json")

    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_an_address_that_is_not_there_answers_json(api):
    for path in ("nothing/", "skus/999/", "skus/99999999999999999999999/", "skus/x/"):
        answer = api.get(path)
        assert (path, answer.status_code, answer.json()["error"]["code"]) == (path, 404, "not_found")


def test_an_address_without_its_last_slash_is_served_body_and_all(api):
    assert api.get("skus").status_code == 200
    assert api.post("skus", {"code": "A"}).status_code == 201


def test_answers_are_closed_to_browsers_and_caches(api):
    headers = api.get("skus/").headers

    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_nul_characters_and_huge_numbers_are_bad_requests(api, stocked):
    for path, query in (
        ("skus/", {"code": "a\x00"}),
        ("listings/", {"account": "a\x00"}),
        ("movements/", {"line": "9" * 30}),
    ):
        assert api.get(path, **query).status_code == 400 or api.get(path, **query).json()["results"] == []
    assert api.post("skus/", {"code": "a\x00"}).status_code == 400
    assert api.adjust({"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 10**18}).status_code == 400


def test_a_page_is_never_larger_than_the_cap(api, settings):
    from skumap.models import Sku

    Sku.objects.bulk_create([Sku(code=f"S{number:04}") for number in range(520)])

    assert len(api.get("skus/").json()["results"]) == 100
    page = api.get("skus/", page_size=100_000).json()
    assert len(page["results"]) == 500
    rest = api.client.get(page["next"]).json()
    assert [row["code"] for row in rest["results"]] == [f"S{number:04}" for number in range(500, 520)]


def test_the_root_lists_what_there_is(api):
    assert {"skus", "listings", "stock", "movements", "adjustments", "orders", "accounts", "alerts", "sync"} <= set(
        api.get("").json()
    )


def test_an_unforeseen_error_says_nothing_about_its_cause(monkeypatch, db):
    from inventory_sync.api.views import catalogue

    def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(catalogue.SkuViewSet, "list", broken)
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {make_key('read')}"})
    answer = client.get("/api/v1/skus/")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "server_error"
    assert b"secret detail" not in answer.content


def test_the_schema_describes_every_address_and_needs_no_key(db):
    schema = Client().get("/api/v1/schema/?format=json").json()

    assert "/api/v1/adjustments/" in schema["paths"]
    parameters = schema["paths"]["/api/v1/adjustments/"]["post"]["parameters"]
    assert [(each["name"], each["required"]) for each in parameters] == [("Idempotency-Key", True)]
    assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


def test_the_page_of_the_docs_runs_no_inline_script(db):
    answer = Client().get("/api/v1/docs/")
    policy = answer.headers["Content-Security-Policy"]

    assert answer.status_code == 200
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert b"<script>" not in answer.content
    assert b"style=" not in answer.content
