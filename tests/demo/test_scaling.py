"""Settings for marketplaces whose clock runs faster than ours."""

from __future__ import annotations

import pytest

from inventory_sync.demo.scaling import scaled
from inventory_sync.engine.accounts import ENGINE_DEFAULTS, adapter_class

CHANNELS = ("flipkart", "shopify", "amazon")


def all_settings(channel: str) -> dict[str, object]:
    return {**ENGINE_DEFAULTS, **adapter_class(channel).defaults}


def test_durations_are_divided_by_the_clock_and_other_settings_are_left_alone():
    values = scaled({"poll_seconds": 300, "read_back": "accepted", "listing_batch": 10, "rate_per_hour": 900}, clock=20)

    assert values == {"poll_seconds": 15.0}


def test_numbers_may_come_as_text():
    assert scaled({"poll_seconds": "300"}, clock=20) == {"poll_seconds": 15.0}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("clock", [1, 5, 20, 60, 100])
def test_a_lease_is_always_longer_than_the_call_that_it_is_for(channel, clock):
    settings = all_settings(channel) | scaled(all_settings(channel), clock=clock)

    assert settings["lease_seconds"] > settings["call_deadline_seconds"] >= 0.3
    assert settings.get("write_deadline_seconds", 0) <= settings["call_deadline_seconds"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_at_the_pace_of_the_wall_clock_nothing_changes(channel):
    settings = all_settings(channel)

    assert {**settings, **scaled(settings, clock=1)} == settings


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_bounds_one_connection_is_kept(channel):
    assert not {"connect_timeout_seconds", "read_timeout_seconds", "read_deadline_seconds"} & set(
        scaled(all_settings(channel), clock=20)
    )


def test_how_long_a_write_may_take_to_show_and_the_call_budget_follow_the_clock():
    values = scaled(all_settings("flipkart"), clock=20)

    assert values["propagation_deadline_seconds"] == 30.0
    assert values["rate_window_seconds"] == 180.0


def test_amazons_usage_plans_run_at_the_clocks_pace():
    assert scaled(all_settings("amazon"), clock=20)["rate_factor"] == 20
    assert "rate_factor" not in scaled(all_settings("flipkart"), clock=20)


@pytest.mark.parametrize("clock", [0, -1])
def test_a_clock_that_stands_still_is_refused(clock):
    with pytest.raises(ValueError, match="above 0"):
        scaled({}, clock=clock)


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_channel_can_read_its_scaled_settings(channel):
    settings = all_settings(channel) | scaled(all_settings(channel), clock=20)

    assert adapter_class(channel).budget_plan(settings, workers=2).groups
