"""Rows become records or problems; every preset reads its own file."""

from __future__ import annotations

from decimal import Decimal

import pytest

from skumap.importer import FORMATS, FileError, KitRecord, LinkRecord, SkuRecord, guess_format
from skumap.importer.seen import SeenKeys
from tests.skumap.importer.files import Date, Number, codes, csv_bytes, parse, tab_bytes, xlsx_bytes

SHOPIFY = (
    ("Handle", "Title", "Body (HTML)", "Vendor", "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Variant SKU",
     "Variant Price", "Variant Barcode", "Image Src"),
    ("tee", "Tee", "<p>Soft,\nwarm</p>", "Loom", "Size", "S", "Color", "Red", "TEE-S", "499", "'8901234567894", "a.jpg"),
    ("tee", "", "", "", "", "M", "", "Red", "TEE-M", "499", "", ""),
    ("tee", "", "", "", "", "", "", "", "", "", "", "b.jpg"),
    ("mug", "Mug", "", "Kiln", "Title", "Default Title", "", "", "MUG", "199", "", ""),
    ("cap", "Cap", "", "Loom", "Title", "Default Title", "", "", "", "99", "", ""),
    ("tee-2", "Tee again", "", "", "Size", "S", "", "", "TEE-S", "499", "", ""),
)  # fmt: skip


def test_shopify_variants_inherit_from_the_first_row_of_their_product():
    found = parse(csv_bytes(*SHOPIFY))

    assert [record for each in found for record in each.records] == [
        SkuRecord(
            code="TEE-S",
            title="Tee - S / Red",
            brand="Loom",
            barcode="8901234567894",
            attributes={"size": "S", "color": "Red"},
        ),
        SkuRecord(code="TEE-M", title="Tee - M / Red", brand="Loom", attributes={"size": "M", "color": "Red"}),
        SkuRecord(code="MUG", title="Mug", brand="Kiln"),
    ]
    assert codes(found) == [(6, "code", "missing"), (7, "code", "duplicate")]


def test_a_shop_without_skus_can_take_its_handles_for_codes():
    found = parse(csv_bytes(*SHOPIFY), columns={"code": "Handle"})

    assert [record.code for each in found for record in each.records] == [
        "tee-S-Red",
        "tee-M-Red",
        "mug",
        "cap",
        "tee-2-S",
    ]


def test_shopifys_newer_headings_are_known_too():
    found = parse(
        csv_bytes(
            (
                "Title",
                "URL handle",
                "Vendor",
                "SKU",
                "Barcode",
                "Option1 name",
                "Option1 value",
                "Price",
                "Product image URL",
            ),
            ("Tee", "tee", "Loom", "TEE-S", "", "Size", "S", "499", "a.jpg"),
            ("", "tee", "", "TEE-M", "", "", "M", "499", ""),
            ("", "tee", "", "", "", "", "", "", "b.jpg"),
        )
    )

    assert [record.title for each in found for record in each.records] == ["Tee - S", "Tee - M"]


def test_an_amazon_report_may_name_a_sku_once_for_each_channel():
    found = parse(
        tab_bytes(
            (
                "item-name",
                "listing-id",
                "seller-sku",
                "price",
                "quantity",
                "product-id-type",
                "asin1",
                "product-id",
                "fulfillment-channel",
            ),
            ("Café mug", "1", "MUG", "499", "4", "1", "B0ABCDEFGH", "B0ABCDEFGH", "DEFAULT"),
            ("Café mug", "2", "MUG", "499", "", "1", "B0ABCDEFGH", "B0ABCDEFGH", "AMAZON_IN"),
            ("Tee", "3", "TEE", "499", "1", "4", "B0ABCDEFGI", "8901234567894", "DEFAULT"),
            ("Cap", "4", "4.23E+13", "499", "1", "1", "B0ABCDEFGJ", "", "DEFAULT"),
            encoding="cp1252",
        )
    )

    assert [each.records for each in found] == [
        (SkuRecord(code="MUG", title="Café mug"),),
        (),
        (SkuRecord(code="TEE", title="Tee", barcode="8901234567894"),),
        (),
    ]
    assert codes(found) == [(5, "code", "scientific")]


def test_flipkarts_file_of_a_category_begins_with_instructions_and_three_rows_of_them():
    found = parse(
        xlsx_bytes(
            ("Flipkart Serial Number", "Catalog QC Status", "Seller SKU ID", "MRP (INR)"),
            ("Single - Text", "Single - Text", "Single - Text", "Single - Positive_integer"),
            ("", "", "e.g. ABC-123", "e.g. 999"),
            ("To be filled by Flipkart", "To be filled by Flipkart", "Please fill this", "Please fill this"),
            ("", "", "NEW-1", Number("499")),
            ("TSHDEMO00000AB12", "Passed", "TEE", Number("999")),
            before=(("Understanding Colour Codes",), ("Blue cells are filled by you.",)),
        )
    )

    assert [(each.row, record.code) for each in found for record in each.records] == [(5, "NEW-1"), (6, "TEE")]
    assert codes(found) == []


def test_the_first_sheet_counts_when_no_sheet_has_headings_that_we_know():
    book = xlsx_bytes(("What", "How"), ("a", "b"), before=(("Art", "Nr"), ("tee", "1")))

    found = parse(book, columns={"code": "Nr"})

    assert [record.code for each in found for record in each.records] == ["1"]


def test_flipkarts_row_of_explanations_is_no_listing():
    found = parse(
        csv_bytes(
            ("Product Title", "Seller SKU Id", "Flipkart Serial Number", "Listing ID", "MRP"),
            ("Name of your product", "Your own code", "Number that Flipkart gives", "Number of the listing", "Rupees"),
            ("Tee", "TEE", "TSHDEMO00000AB12", "LSTTSHDEMO00000AB12XYZ789", "1,199"),
        )
    )

    assert [each.records for each in found] == [(SkuRecord(code="TEE", title="Tee", mrp=Decimal("1199.00")),)]


def test_a_unicommerce_bundle_is_a_sku_and_its_parts():
    found = parse(
        csv_bytes(
            ("Category Code", "Product Code", "Name", "EAN", "UPC", "Color", "MRP", "HSN CODE", "Type", "Component Product Code",
             "Component Quantity"),
            ("TEES", "TEE", "Tee", "", "012345678905", "Red", "499", "61091000", "SIMPLE", "", ""),
            ("SETS", "SET", "Gift set", "", "", "", "0", "", "BUNDLE", "TEE", "2"),
            ("SETS", "SET", "Gift set", "", "", "", "0", "", "BUNDLE", "MUG", "1"),
        )
    )  # fmt: skip

    assert [each.records for each in found] == [
        (
            SkuRecord(
                code="TEE",
                title="Tee",
                barcode="012345678905",
                hsn="61091000",
                mrp=Decimal(499),
                attributes={"colour": "Red"},
            ),
        ),
        (SkuRecord(code="SET", title="Gift set"), KitRecord(kit="SET", component="TEE", units=2)),
        (KitRecord(kit="SET", component="MUG", units=1),),
    ]


def test_an_easyecom_export_is_a_file_of_skus():
    found = parse(
        csv_bytes(
            ("SKU", "Product Name", "Accounting SKU", "EAN/UPC", "Brand", "Colour"), ("T", "Tee", "", "", "Loom", "Red")
        )
    )

    assert found[0].records == (SkuRecord(code="T", title="Tee", brand="Loom", attributes={"colour": "Red"}),)


def test_a_mapping_names_listings_by_any_of_their_ids():
    found = parse(
        csv_bytes(
            ("Own SKU", "Account", "Seller SKU", "FSN", "ASIN", "Variant ID", "Pack of", "Fulfilment"),
            ("TEE", "Flipkart one", "TEE-FK", "TSHDEMO00000AB12", "", "", "2", "Non FBF"),
            ("TEE", "Amazon one", "TEE-AZ", "", "B0ABCDEFGH", "", "", "FBA"),
            ("TEE", "Shop", "", "", "", "gid://shopify/ProductVariant/42301987654321", "", ""),
            ("TEE", "Shop", "", "", "", "4.23E+13", "", ""),
            ("TEE", "Shop", "", "", "", "", "", ""),
            ("CAP", "Flipkart one", "TEE-FK", "", "", "", "", ""),
        )
    )

    assert [record for each in found for record in each.records] == [
        LinkRecord(
            code="TEE",
            account="Flipkart one",
            seller_sku="TEE-FK",
            product_id="TSHDEMO00000AB12",
            units=2,
            fulfilment="NON_FBF",
        ),
        LinkRecord(code="TEE", account="Amazon one", seller_sku="TEE-AZ", product_id="B0ABCDEFGH", fulfilment="FBA"),
        LinkRecord(code="TEE", account="Shop", variant_id="42301987654321"),
    ]
    assert codes(found) == [(5, "variant_id", "scientific"), (6, "seller_sku", "missing"), (7, "code", "duplicate")]


def test_a_repeated_code_is_named_with_both_rows_and_the_first_counts():
    found = parse(csv_bytes(("SKU", "Title"), ("A", "one"), ("B", "x"), ("A", "two")))

    assert [len(each.records) for each in found] == [1, 1, 0]
    assert "row 2 and in row 4" in found[2].problems[0].message


def test_one_bad_row_names_everything_that_is_wrong_with_it():
    found = parse(csv_bytes(("SKU", "Barcode", "MRP", "HSN"), ("", "8.9E+12", "cheap", "902"), ("B", "", "", "")))

    assert codes(found) == [
        (2, "code", "missing"),
        (2, "barcode", "scientific"),
        (2, "hsn", "lost_zeros"),
        (2, "mrp", "not_a_price"),
    ]
    assert found[0].problems[1].column == "Barcode"
    assert found[0].problems[1].value == "8.9E+12"
    assert found[1].records == (SkuRecord(code="B"),)


def test_a_workbook_keeps_long_numbers_and_tells_dates_from_codes():
    found = parse(
        xlsx_bytes(
            ("SKU", "Barcode"),
            (Number("42301987654321"), Number("8901234567894")),
            (Date("46102"), ""),
            ("A", Number("1E+20")),
        )
    )

    assert found[0].records == (SkuRecord(code="42301987654321", barcode="8901234567894"),)
    assert codes(found) == [(3, "code", "date"), (4, "barcode", "scientific")]


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("colour=Red; size=M", {"colour": "Red", "size": "M"}),
        ('{"colour": "Red", "packs": [1, 2]}', {"colour": "Red", "packs": [1, 2]}),
        ("", {}),
    ],
)
def test_attributes_stand_in_one_cell_or_in_columns_of_their_own(text, attributes):
    found = parse(csv_bytes(("SKU", "Attributes", "Attribute: Fabric", "Size"), ("A", text, "Cotton", "")))

    assert found[0].records[0].attributes == {**attributes, "fabric": "Cotton"}


@pytest.mark.parametrize("text", ["red", '{"a": ', "[1]", "=x; a=b"])
def test_attributes_that_can_not_be_read_are_refused(text):
    assert codes(parse(csv_bytes(("SKU", "Attributes"), ("A", text)))) == [(2, "attributes", "attributes")]


def test_columns_of_any_other_file_are_given_by_name():
    data = csv_bytes(("Artikel", "Naam", "Price tag"), ("A", "Tee", "99"))

    found = parse(data, columns={"code": "artikel", "title": "Naam", "mrp": "PRICE TAG"})

    assert found[0].records == (SkuRecord(code="A", title="Tee", mrp=Decimal(99)),)
    with pytest.raises(FileError, match="no column “Nope”"):
        parse(data, columns={"code": "Nope"})
    with pytest.raises(FileError, match="no field weight"):
        parse(data, columns={"code": "Artikel", "weight": "Naam"})
    with pytest.raises(FileError, match="no column for code"):
        parse(data, format_key="skus")


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ("Handle,Title,Variant SKU", "shopify"),
        ("Title,URL handle,SKU,Barcode,Option1 name", "shopify"),
        ("item-name,seller-sku,asin1", "amazon"),
        ("sku,asin,price,quantity", "amazon"),
        ("Seller SKU Id,Flipkart Serial Number,MRP", "flipkart"),
        ("Category Code,Product Code,Name", "unicommerce"),
        ("Channel Name,Channel Product Id,Seller SKU on Channel,Uniware SKU Code", "mapping"),
        ("SKU,Product Name,Model No", "easyecom"),
        ("own sku,account,fsn", "mapping"),
        ("account,sku,seller sku", "mapping"),
        ("kit,component,units", "kits"),
        ("Combo SKU,Part SKU,Qty", "kits"),
        ("SKU Code,MRP (₹)", "skus"),
        ("colour,weight", None),
    ],
)
def test_a_format_is_told_by_its_headings(headers, key):
    assert guess_format(headers.split(",")) == key


def test_every_preset_can_read_a_file_with_its_own_first_headings():
    for preset in FORMATS.values():
        headers = [names[0] for names in preset.columns.values()]
        assert parse(csv_bytes(headers), format_key=preset.key) == []


def test_a_part_of_a_combo_that_can_not_be_read_names_its_combo():
    found = parse(csv_bytes(("kit", "component", "units"), ("SET", "TEE", "many"), ("SET", "SET", "1")))

    assert codes(found) == [(2, "units", "not_a_count"), (3, "component", "kit_in_itself")]
    assert {each.kit for each in found} == {"SET"}


def test_seen_keys_find_every_repetition_while_they_grow():
    seen = SeenKeys(slots=4)
    for number in range(5_000):
        assert seen.add(f"k{number}", row=number, content="a") is None

    assert len(seen) == 5_000
    assert all(seen.add(f"k{number}", row=9_999).row == number for number in range(5_000))
    assert seen.add("k7", row=1, content="a").same
    assert not seen.add("k7", row=1, content="b").same
