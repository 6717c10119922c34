"""Readers and settings: whatever type a value comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from channels_flipkart.settings import Settings, default_settings
from channels_flipkart.values import decimal, first, moment, objects, text, truth, whole
from inventory_sync.domain.errors import SetupError


@pytest.mark.parametrize(
    ("value", "number"),
    [(2, 2), (2.0, 2), ("2", 2), (" 2.0 ", 2), (0, 0), (1.5, None), ("x", None), (None, None), (True, None), ([1], None),
     (float("nan"), None), ("1e400", None), (2**63, 2**63)],
)  # fmt: skip
def test_whole_numbers(value, number):
    assert whole(value) == number


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-01-02T14:00:00.000+05:30", datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),
        ("2026-01-02T08:30:00Z", datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),
        ("2026-01-02T14:00:00", datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),  # Indian time where none is said
        (1767342600, datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),
        ("1767342600000", datetime(2026, 1, 2, 8, 30, tzinfo=UTC)),
        ("soon", None),
        (None, None),
        (10**30, None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_instants(value, at):
    assert moment(value) == at


def test_other_readers():
    assert (text(2**64 + 1), text(5.0), text(None), text({}), text(True)) == (str(2**64 + 1), "5", "", "", "")
    assert (truth("true"), truth(0), truth("maybe"), truth(None)) == (True, False, None, None)
    assert decimal("449.50") == Decimal("449.50")
    assert objects({"a": 1}) == [{"a": 1}]
    assert objects([1, {"a": 1}, None]) == [{"a": 1}]
    assert objects(None) == []
    assert first({"a": None, "b": 0}, "a", "b") == 0


def test_settings_are_read_from_text_and_keep_their_defaults():
    settings = Settings.read(
        {"poll_seconds": "15.5", "listing_batch": "5", "allow_fbf_lite": "true", "marketplace_locations": "LOC8, LOC9",
         "rest_prefix": "", "read_retries": None, "somebody_elses": object()}
    )  # fmt: skip

    assert (settings.poll_seconds, settings.listing_batch, settings.allow_fbf_lite) == (15.5, 5, True)
    assert settings.marketplace_locations == ("LOC8", "LOC9")
    assert settings.rest_prefix == ""
    assert settings.read_retries == Settings().read_retries


@pytest.mark.parametrize(
    "bad",
    [{"poll_seconds": "soon"}, {"listing_batch": 0}, {"oauth_method": "PUT"}, {"shipment_id_batch": 101}, {"index_delay_seconds": -1},
     {"oauth_grant": "password"}, {"push_url": 5}],
)  # fmt: skip
def test_a_setting_that_can_not_be_is_named(bad):
    with pytest.raises(SetupError, match=next(iter(bad))):
        Settings.read(bad)


def test_every_default_reads_back_as_itself():
    assert Settings.read(default_settings()) == Settings()
