"""What a listing says: bodies against the official model, and answers as outcomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from channels_flipkart import offers
from channels_flipkart.settings import Settings
from inventory_sync.domain.listing_changes import ChangeKind, ListingContent, ListingWrite, OfferFacts, Package
from inventory_sync.domain.ports import PushResult
from inventory_sync.domain.snapshots import Fulfilment, ListingIds, ListingSnapshot
from skumap.compliance import FLIPKART_TAX_CODES, Label, flipkart_labels
from tests.channels.flipkart import official
from tests.channels.flipkart.stub import Answer, Stub, adapter_for

CREATE, UPDATE, PRICE = ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.PRICE
FSN = "TSHDEMO00000AB12"
BOX = Package(
    name="Box", length=Decimal("28.5"), breadth=Decimal(22), height=Decimal(3), weight=Decimal("0.25"),
    notional_value=Decimal(999), fragile=True,
)  # fmt: skip
FACTS = OfferFacts(
    ids=ListingIds(key="TEE", seller_sku="TEE", product_id=FSN),
    fulfilment=Fulfilment.NON_FBF,
    price=Decimal("999.90"),
    mrp=Decimal("1199.00"),
    hsn="61091000",
    tax_code="GST_APPAREL",
    manufacturer=("Asha Knits, Tiruppur 641604",),
    packer=("Asha Knits, Tiruppur 641604",),
    importer=(),
    countries=("IN",),
    mfg_date=date(2026, 11, 1),
    shelf_life_seconds=400 * 86_400,
    packages=(BOX,),
    procurement_type="REGULAR",
    shipping_provider="FLIPKART",
    dispatch_days=2,
    fee_local=Decimal(0),
    fee_zonal=Decimal("40.00"),
    fee_national=Decimal(60),
    location_ids=("LOC1", "LOC2"),
)
THERE: dict[str, Any] = {
    "listing_id": "LST1", "product_id": FSN, "product_title": "Tee", "price": {"mrp": 1299, "flipkart_selling_price": 1099, "currency": "INR"},
    "tax": {"hsn": "61091000", "tax_code": "GST_12", "is_gst_sellable": True}, "listing_status": "INACTIVE", "archived_status": "NONE",
    "fulfillment_profile": "NON_FBF", "subsidized_shipping": True, "orders_to_be_fulfilled": 3, "quality_bucket": "A",
    "packages": [{"id": "P9", "name": "Box", "dimensions": {"length": 1, "breadth": 1, "height": 1}, "weight": 1, "handling": {"fragile": False}}],
    "locations": [{"id": "LOC1", "status": "DISABLED", "inventory": 7, "pending_inventory": 1}],
}  # fmt: skip


def there(**given: Any) -> ListingContent:
    ids = ListingIds(key="TEE", seller_sku="TEE", product_id=FSN)
    snapshot = ListingSnapshot(ids=ids, title="Tee", fulfilment=Fulfilment.NON_FBF, active=True)
    return ListingContent(snapshot=snapshot, content=offers.content_of({**THERE, **given}))


def fits(path: str, content: Any) -> None:
    """The official model takes this content, and knows all of its fields."""
    schema = official.model()[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate({"TEE": content}, official.strict(schema))


def fields(composed: Any) -> dict[str, str]:
    return {problem.field: problem.code for problem in composed.problems}


def test_a_new_listing_says_everything_and_offers_nothing_yet():
    made = offers.compose(CREATE, FACTS, current=None)

    fits("/sellers/listings/v3", made.content)
    assert made.problems == ()
    assert made.before == {}
    assert made.content == {
        "product_id": FSN,
        "listing_status": "ACTIVE",
        "price": {"mrp": 1199, "selling_price": 999, "currency": "INR"},
        "tax": {"hsn": "61091000", "tax_code": "GST_APPAREL"},
        "fulfillment_profile": "NON_FBF",
        "fulfillment": {"dispatch_sla": 2, "shipping_provider": "FLIPKART", "procurement_type": "REGULAR"},
        "shipping_fees": {"local": 0, "zonal": 40, "national": 60, "currency": "INR"},
        "packages": [
            {
                "name": "Box",
                "dimensions": {"length": 28.5, "breadth": 22, "height": 3},
                "weight": 0.25,
                "handling": {"fragile": True},
                "notional_value": {"amount": 999, "unit": "INR"},
            }
        ],
        "locations": [
            {"id": "LOC1", "status": "ENABLED", "inventory": 0},
            {"id": "LOC2", "status": "ENABLED", "inventory": 0},
        ],
        "address_label": {
            "manufacturer_details": ["Asha Knits, Tiruppur 641604"],
            "packer_details": ["Asha Knits, Tiruppur 641604"],
            "countries_of_origin": ["IN"],
        },
        "dating_label": {"mfg_date": 1793471400, "shelf_life": 34_560_000},
    }


def test_labels_are_those_of_the_rules():
    label = Label(
        manufacturer="Asha Knits, Tiruppur 641604", country_of_origin="IN", mfg_date=date(2026, 11, 1), shelf_life=400 * 86_400
    )  # fmt: skip

    made = offers.compose(CREATE, FACTS, current=None).content

    assert {name: made[name] for name in ("address_label", "dating_label")} == flipkart_labels(label)


def test_an_update_takes_back_all_that_the_listing_says_and_names_no_quantity():
    current = there()
    made = offers.compose(UPDATE, FACTS, current=current)

    fits("/sellers/listings/v3/update", made.content)
    fits("/sellers/listings/v3/update", made.before)
    assert made.problems == ()
    assert made.content["locations"] == [{"id": "LOC1", "status": "DISABLED"}]
    assert (made.content["listing_status"], made.content["archived_status"]) == ("INACTIVE", "NONE")
    assert made.content["subsidized_shipping"] is True
    assert made.content["tax"] == {"hsn": "61091000", "tax_code": "GST_APPAREL", "is_gst_sellable": True}
    assert (made.content["packages"][0]["id"], made.content["packages"][0]["weight"]) == ("P9", 0.25)
    assert made.before["price"] == {"mrp": 1299, "selling_price": 1099, "currency": "INR"}


def test_what_we_do_not_know_stays_as_the_listing_says_it():
    bare = OfferFacts(ids=FACTS.ids, fulfilment=Fulfilment.NON_FBF)

    made = offers.compose(UPDATE, bare, current=there())

    assert made.content == made.before
    assert made.problems == ()


def test_a_price_is_sent_with_its_mrp_and_nothing_else():
    made = offers.compose(PRICE, replace(FACTS, tax_code="GST_12"), current=there())

    fits("/sellers/listings/v3/update/price", made.content)
    assert made.content == {"product_id": FSN, "price": {"mrp": 1199, "selling_price": 999, "currency": "INR"}}
    assert made.before == {"product_id": FSN, "price": {"mrp": 1299, "selling_price": 1099, "currency": "INR"}}
    assert made.problems == ()


def test_a_price_alone_can_not_change_the_tax_code():
    assert fields(offers.compose(PRICE, FACTS, current=there())) == {"price.selling_price": "tax_code_differs"}


@pytest.mark.parametrize(
    ("facts", "where", "code"),
    [
        ({"hsn": "610910"}, "tax.hsn", "hsn_not_8_digits"),
        ({"packages": ()}, "packages", "missing"),
        ({"packages": (replace(BOX, weight=None),)}, "packages[0].weight", "missing"),
        ({"packages": (replace(BOX, height=Decimal(0)),)}, "packages[0].dimensions.height", "missing"),
        ({"packages": (replace(BOX, name="x" * 65),)}, "packages[0].name", "too_long"),
        ({"packages": (BOX, replace(BOX, name="B", notional_value=None))}, "packages[1].notional_value.amount", "missing"),
        ({"packages": (replace(BOX, notional_value=Decimal("9.5")),)}, "packages[0].notional_value.amount", "not_whole_rupee"),
        ({"packages": (BOX, BOX)}, "packages", "not_unique"),
        ({"location_ids": ()}, "locations", "missing"),
        ({"dispatch_days": None}, "fulfillment.dispatch_sla", "missing"),
        ({"dispatch_days": 0}, "fulfillment.dispatch_sla", "too_small"),
        ({"procurement_type": "FAST"}, "fulfillment.procurement_type", "not_allowed"),
        ({"shipping_provider": "POST"}, "fulfillment.shipping_provider", "not_allowed"),
        ({"dispatch_days": None, "procurement_type": "", "shipping_provider": ""}, "fulfillment", "missing"),
        ({"fee_zonal": None}, "shipping_fees.zonal", "missing"),
        ({"fee_local": Decimal("9.50")}, "shipping_fees.local", "not_whole_rupee"),
        ({"fee_local": Decimal(-1)}, "shipping_fees.local", "out_of_range"),
    ],
)  # fmt: skip
def test_what_the_form_of_a_field_does_not_take_is_named_at_the_field(facts, where, code):
    assert fields(offers.compose(CREATE, replace(FACTS, **facts), current=None)) == {where: code}


def test_fees_are_all_three_or_none():
    none = replace(FACTS, fee_local=None, fee_zonal=None, fee_national=None)

    made = offers.compose(CREATE, none, current=None)

    assert (made.problems, "shipping_fees" in made.content) == ((), False)


def test_a_profile_that_can_not_be_written_is_not_updated():
    mixed = there(fulfillment_profile="FBF_AND_NON_FBF")

    assert fields(offers.compose(UPDATE, FACTS, current=mixed)) == {"fulfillment_profile": "not_writable"}
    assert offers.compose(PRICE, replace(FACTS, tax_code=""), current=mixed).problems == ()


def test_a_new_listing_of_flipkarts_own_stock_names_no_quantity():
    made = offers.compose(CREATE, replace(FACTS, fulfilment=Fulfilment.FBF), current=None)

    assert all("inventory" not in place for place in made.content["locations"])


def write(kind: ChangeKind, content: Any, fulfilment: Fulfilment | None) -> str:
    return offers.why_not_writable(kind, ListingWrite(ids=FACTS.ids, fulfilment=fulfilment, content=content))


def test_a_quantity_that_is_not_ours_to_write_is_refused_whoever_asks():
    place = {"id": "LOC1", "status": "ENABLED", "inventory": 0}

    assert write(CREATE, {"fulfillment_profile": "NON_FBF", "locations": [place]}, None) == ""
    assert "Flipkart keeps the stock" in write(CREATE, {"fulfillment_profile": "FBF", "locations": [place]}, None)
    assert "push alone" in write(UPDATE, {"locations": [place]}, Fulfilment.FBF)
    assert "push alone" in write(UPDATE, {"locations": [place]}, Fulfilment.NON_FBF)
    assert "begins with 0" in write(CREATE, {"locations": [{**place, "inventory": 5}]}, None)
    assert "overwrite" in write(CREATE, {}, Fulfilment.NON_FBF)
    assert write(UPDATE, {"locations": [{"id": "LOC1", "status": "ENABLED"}]}, Fulfilment.FBF) == ""


def outcome(result: Any, *, warning_is_success: bool = True) -> Any:
    writes = [ListingWrite(ids=FACTS.ids, fulfilment=None, content={})]
    [told] = offers.write_outcomes(
        writes, answer={"TEE": result} if result else {}, warning_is_success=warning_is_success
    )
    return told


@pytest.mark.parametrize("status", ["SUCCESS", "success"])
def test_success_is_read_in_any_case(status):
    assert outcome({"status": status, "errors": None}).result is PushResult.ACCEPTED


def test_errors_stand_at_the_path_else_the_attribute_that_they_name():
    told = outcome(
        {
            "status": "FAILURE",
            "errors": [{"severity": "ERROR", "code": 1001, "description": "demo text"}],
            "attribute_errors": [
                {"severity": "ERROR", "code": "2009", "description": "Too dear", "attribute": "selling_price", "path": "price.selling_price"},
                {"severity": "WARNING", "code": 7, "description": "Look", "attribute": "tax"},
            ],
        }
    )  # fmt: skip

    assert told.result is PushResult.REFUSED
    assert [(each.field, each.code, each.blocks) for each in told.problems] == [
        ("", "1001", True),
        ("price.selling_price", "2009", True),
        ("tax", "7", False),
    ]


def test_a_warning_is_a_success_with_a_note_unless_the_account_says_otherwise():
    warned = {"status": "WARNING", "errors": [{"severity": "WARNING", "code": 3, "description": "Look at the image"}]}

    assert (outcome(warned).result, outcome(warned).message) == (PushResult.ACCEPTED, "Look at the image")
    assert outcome(warned, warning_is_success=False).result is PushResult.UNKNOWN


@pytest.mark.parametrize("result", [None, "SUCCESS", {"status": "LATER"}])
def test_what_is_not_said_is_unknown(result):
    assert outcome(result).result is PushResult.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "path"),
    [(CREATE, "/sellers/listings/v3"), (UPDATE, "/sellers/listings/v3/update"), (PRICE, "/sellers/listings/v3/update/price")],
)  # fmt: skip
def test_each_kind_is_one_call_of_its_own_that_the_official_model_takes(flipkart: Stub, kind: ChangeKind, path: str):
    flipkart.on(path, Answer(body={"TEE": {"status": "SUCCESS", "errors": [], "attribute_errors": []}}))
    current = None if kind is CREATE else there(tax={"hsn": "61091000", "tax_code": "GST_APPAREL"})
    made = offers.compose(kind, FACTS, current=current)

    fulfilment = None if kind is CREATE else Fulfilment.NON_FBF
    [told] = adapter_for(flipkart.url).listings.write(
        kind, [ListingWrite(ids=FACTS.ids, fulfilment=fulfilment, content=made.content)]
    )

    [seen] = flipkart.calls()
    assert told.result is PushResult.ACCEPTED
    assert official.check(seen) == path


@pytest.mark.parametrize(
    ("answer", "result", "alone"),
    [
        (Answer(status=400, body={"errors": [{"severity": "ERROR", "code": 1, "description": "no"}]}), PushResult.REFUSED, True),
        (Answer(status=429), PushResult.NOT_SENT, False),
        (Answer(status=403, body={}), PushResult.NOT_SENT, False),
        (Answer(status=500), PushResult.UNKNOWN, False),
        (Answer(hang_up=True), PushResult.UNKNOWN, False),
        (Answer(body=b"<html>"), PushResult.UNKNOWN, False),
    ],
)  # fmt: skip
def test_a_create_is_one_try_whatever_comes_back(flipkart: Stub, answer: Answer, result: PushResult, alone: bool):
    flipkart.on("/sellers/listings/v3", answer)
    content = offers.compose(CREATE, FACTS, current=None).content

    [told] = adapter_for(flipkart.url).listings.write(
        CREATE, [ListingWrite(ids=FACTS.ids, fulfilment=None, content=content)]
    )

    assert (told.result, told.alone) == (result, alone)
    assert len(flipkart.calls("/sellers/listings/v3")) == 1


def test_what_must_not_be_sent_never_reaches_the_wire(flipkart: Stub):
    content = {"locations": [{"id": "LOC1", "status": "ENABLED", "inventory": 3}]}

    [told] = adapter_for(flipkart.url).listings.write(
        UPDATE, [ListingWrite(ids=FACTS.ids, fulfilment=Fulfilment.FBF, content=content)]
    )

    assert told.result is PushResult.REFUSED
    assert flipkart.seen == []


def test_the_accounts_own_tax_codes_are_a_setting():
    assert Settings.read({"tax_codes": "GST_5, GST_40"}).tax_codes == ("GST_5", "GST_40")
    assert Settings().tax_codes == ()
    assert "GST_40" not in FLIPKART_TAX_CODES
