"""Quantity writes: one call, the merge operation only, and an outcome for everything that can happen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import channels_amazon
from channels_amazon.catalogue import quantity_patch
from inventory_sync.domain.ports import PushOutcome, PushResult, Share, StockUpdate
from inventory_sync.domain.snapshots import Fulfilment
from tests.channels.amazon.official import check_answer, example
from tests.channels.amazon.stub import SELLER, Answer, Stub, make_adapter, refusal, row, update
from tests.channels.ports import FreeBudget

PATCH = f"PATCH /listings/2021-08-01/items/{SELLER}/MUG"


def accepted(*issues: dict[str, Any], status: str = "ACCEPTED") -> Answer:
    body = {"sku": "MUG", "status": status, "submissionId": "f1dc2914", "issues": list(issues)}
    return Answer(body=check_answer("listingsItems_2021-08-01", "ListingsItemSubmissionResponse", body))


def issue(severity: str, message: str = "words") -> dict[str, Any]:
    return {"code": "90220", "message": message, "severity": severity, "categories": ["MISSING_ATTRIBUTE"]}


def pushed(stub: Stub, *updates: StockUpdate, **options: Any) -> list[PushOutcome]:
    return make_adapter(stub.url, **options).push_stock(updates or [update()])


def test_the_write_is_the_one_of_the_contract(stub: Stub) -> None:
    stub.on(PATCH, accepted())

    [outcome] = pushed(stub, update(15))

    [seen] = stub.calls()
    assert seen.query == {"marketplaceIds": "A21TJRUUN4KGV", "issueLocale": "en_IN"}
    assert seen.json == example("patch_quantity.request")
    assert (outcome.row_id, outcome.result, outcome.request_id) == (7, PushResult.ACCEPTED, "req-1")


def test_the_listings_own_product_type_is_used_where_it_is_known(stub: Stub) -> None:
    stub.on(PATCH, accepted())

    pushed(stub, update(product_type="DRINKING_CUP"))

    assert stub.calls()[0].json["productType"] == "DRINKING_CUP"


def test_a_sku_is_encoded_to_the_last_character(stub: Stub) -> None:
    stub.on(f"PATCH /listings/2021-08-01/items/{SELLER}/A%2FB%20%2B%23%25%3F%E2%82%B9", accepted())

    [outcome] = pushed(stub, update(sku="A/B +#%?₹"))

    assert outcome.result is PushResult.ACCEPTED


@pytest.mark.parametrize("sku", [".", "..", ""])
def test_a_sku_that_would_lead_up_the_path_is_refused(stub: Stub, sku: str) -> None:
    [outcome] = pushed(stub, update(sku=sku))

    assert (outcome.result, outcome.permanent) == (PushResult.REFUSED, True)
    assert stub.calls() == []


@pytest.mark.parametrize(
    "fulfilment", sorted(set(Fulfilment) - {Fulfilment.MFN, Fulfilment.EASY_SHIP, Fulfilment.SELF_SHIP})
)
def test_what_is_not_ours_is_refused_before_any_call(stub: Stub, fulfilment: Fulfilment) -> None:
    [outcome] = pushed(stub, update(fulfilment=fulfilment))

    assert (outcome.result, outcome.code, outcome.permanent) == (PushResult.REFUSED, "NOT_WRITABLE", True)
    assert stub.seen == []


def test_another_place_and_a_negative_quantity_are_refused_before_any_call(stub: Stub) -> None:
    assert [each.code for each in pushed(stub, update(location_id="AMAZON_IN"), update(-1))] == ["NOT_WRITABLE"] * 2
    assert stub.seen == []


def test_one_call_carries_one_listing(stub: Stub) -> None:
    stub.on(PATCH, accepted())

    outcomes = pushed(stub, update(), update(row_id=8, sku="TEE"), update(row_id=9, fulfilment=Fulfilment.FBA))

    assert [each.result for each in outcomes] == [PushResult.ACCEPTED, PushResult.NOT_SENT, PushResult.REFUSED]
    assert len(stub.calls()) == 1
    assert make_adapter(stub.url).batch_size == 1


def test_a_warning_is_accepted_with_a_note(stub: Stub) -> None:
    stub.on(PATCH, accepted(issue("WARNING", "mind the type"), issue("INFO", "fyi")))

    [outcome] = pushed(stub)

    assert (outcome.result, outcome.warning) == (PushResult.ACCEPTED, "mind the type; fyi")


@pytest.mark.parametrize(
    "answer",
    [
        accepted(issue("ERROR"), status="INVALID"),
        accepted(issue("WARNING"), issue("ERROR")),
        accepted(status="INVALID"),
    ],
)
def test_invalid_and_errors_inside_a_200_are_refusals(stub: Stub, answer: Answer) -> None:
    stub.on(PATCH, answer)

    [outcome] = pushed(stub)

    assert (outcome.result, outcome.permanent, outcome.setup) == (PushResult.REFUSED, True, False)
    assert outcome.code in ("90220", "INVALID")


@pytest.mark.parametrize(
    ("answer", "result", "permanent", "setup"),
    [
        (refusal(400, "InvalidInput", "no"), PushResult.REFUSED, True, False),
        (refusal(404, "NOT_FOUND", "no"), PushResult.REFUSED, True, False),
        (Answer(status=404, body=b"<html>no such page</html>"), PushResult.REFUSED, False, False),
        (refusal(413, "RequestTooLarge"), PushResult.REFUSED, True, False),
        (refusal(403, "Unauthorized", "denied"), PushResult.REFUSED, False, True),
        (refusal(429, "QuotaExceeded"), PushResult.NOT_SENT, False, False),
        (refusal(500, "InternalFailure"), PushResult.UNKNOWN, False, False),
        (
            Answer(status=503, body=b"<html>busy</html>", headers={"Content-Type": "text/html"}),
            PushResult.UNKNOWN,
            False,
            False,
        ),
        (Answer(status=504), PushResult.UNKNOWN, False, False),
        (Answer(hang_up=True), PushResult.UNKNOWN, False, False),
        (Answer(body=b"<html>all fine</html>"), PushResult.UNKNOWN, False, False),
        (Answer(body=b""), PushResult.UNKNOWN, False, False),
        (Answer(body=[1]), PushResult.UNKNOWN, False, False),
        (Answer(body={"sku": "MUG", "status": "PARKED"}), PushResult.UNKNOWN, False, False),
        (Answer(body={}), PushResult.UNKNOWN, False, False),
    ],
)
def test_every_failure_is_an_outcome_and_nothing_is_sent_twice(
    stub: Stub, answer: Answer, result: PushResult, permanent: bool, setup: bool
) -> None:
    stub.on(PATCH, answer)

    [outcome] = pushed(stub)

    assert (outcome.result, outcome.permanent, outcome.setup) == (result, permanent, setup)
    assert len(stub.calls()) == 1


def test_too_many_calls_empties_our_bucket_and_says_when_to_come_back(stub: Stub) -> None:
    stub.on(PATCH, refusal(429, "QuotaExceeded"))
    budget = FreeBudget()

    [outcome] = pushed(stub, budget=budget)

    assert outcome.retry_after == pytest.approx(0.2)
    assert budget.emptied == [("patchListingsItem", pytest.approx(0.2))]


def test_without_budget_nothing_is_sent(stub: Stub) -> None:
    budget = FreeBudget(spent={"patchListingsItem"})

    [outcome] = pushed(stub, budget=budget)

    assert (outcome.result, outcome.retry_after) == (PushResult.NOT_SENT, 7.0)
    assert stub.calls() == []


def test_the_update_says_which_share_pays(stub: Stub) -> None:
    stub.on(PATCH, accepted())
    budget = FreeBudget()

    pushed(stub, StockUpdate(row=row(), quantity=0, idempotency_key="k", share=Share.URGENT), budget=budget)

    assert ("patchListingsItem", Share.URGENT, 1) in budget.taken


def test_amazons_rate_header_is_learned_once(stub: Stub) -> None:
    stub.on(PATCH, Answer(body={"status": "ACCEPTED"}, headers={"x-amzn-RateLimit-Limit": "7.5"}))
    budget = FreeBudget()
    adapter = make_adapter(stub.url, budget=budget)

    adapter.push_stock([update()])
    adapter.push_stock([update()])

    assert [each["per_second"] for each in budget.learned if each["operation"] == "patchListingsItem"] == [7.5]


def test_a_slow_amazon_is_left_at_the_deadline(stub: Stub) -> None:
    import time

    def slow(_: object) -> Answer:
        time.sleep(0.6)
        return accepted()

    stub.on(PATCH, slow)

    [outcome] = pushed(stub, settings={"write_deadline_seconds": 0.2})

    assert outcome.result is PushResult.UNKNOWN


def test_without_a_seller_id_nothing_is_written(stub: Stub) -> None:
    [outcome] = pushed(stub, identity="")

    assert (outcome.result, outcome.setup) == (PushResult.REFUSED, True)
    assert stub.calls() == []


def test_only_a_merge_can_be_sent(stub: Stub) -> None:
    adapter = make_adapter(stub.url)
    body = quantity_patch(update(), fallback_product_type="PRODUCT")
    body["patches"][0]["op"] = "replace"

    with pytest.raises(Exception, match="only a merge"):
        adapter._client.merge_attributes(
            "MUG", body, share=Share.WRITE, token=adapter._tokens.token(), deadline_seconds=1
        )

    assert stub.calls() == []


def test_no_code_of_the_channel_can_replace_or_delete_a_listing() -> None:
    sources = {path.name: path.read_text() for path in Path(channels_amazon.__file__).parent.glob("*.py")}
    everything = "\n".join(sources.values())

    assert '"DELETE"' not in everything
    assert [name for name, source in sources.items() if '"PUT"' in source] == ["documents.py"]
    assert set(re.findall(r'"op": "(\w+)"', everything)) == {"merge"}
    assert set(re.findall(r'"operationType": "(\w+)"', everything)) == {"PATCH"}
