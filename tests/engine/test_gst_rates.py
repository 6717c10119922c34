"""A rate changes at midnight in India: listings whose tax code is no longer right are told, until it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from inventory_sync.alerts.models import Alert
from inventory_sync.engine import tasks
from inventory_sync.engine.gst_rates import check_rates, means
from skumap.models import Category, ChannelAccount, GstRate, Listing, Sku

pytestmark = pytest.mark.django_db

CHANGES_ON = date(2026, 12, 1)
MIDNIGHT = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)  # of 1 December in India
PHONE, OTHER = "85171300", "84713010"


@pytest.fixture
def listing() -> Listing:
    """A telephone at 18 %, whose rate falls to 5 % on 1 December; a computer stays at 18 %."""
    for prefix, rate, start, end in (
        ("8517", "18", date(2025, 9, 22), CHANGES_ON - timedelta(days=1)),
        ("8517", "5", CHANGES_ON, None),
        ("8471", "18", date(2025, 9, 22), None),
    ):
        GstRate.objects.create(hsn_prefix=prefix, rate=Decimal(rate), valid_from=start, valid_to=end)
    account = ChannelAccount.objects.create(channel="flipkart", name="Flipkart")
    shop = ChannelAccount.objects.create(channel="shopify", name="Shop")
    for code, hsn in (("PHONE", PHONE), ("COMPUTER", OTHER)):
        sku = Sku.objects.create(code=code, hsn=hsn, mrp=9999)
        for where in (account, shop):
            Listing.objects.create(
                account=where, key=code, seller_sku=code, product_id="MOBDEMO00000AB12", sku=sku, status="mapped", price=9000,
                attributes={"tax_code": "GST_18"},
            )  # fmt: skip
    return Listing.objects.get(account=account, key="PHONE")


def test_nothing_is_said_before_midnight_in_india(listing: Listing) -> None:
    assert check_rates(now=MIDNIGHT - timedelta(minutes=1)) == 0
    assert not Alert.objects.exists()


def test_a_listing_whose_rate_has_changed_is_an_alert_until_its_code_is_right(listing: Listing) -> None:
    judged = check_rates(now=MIDNIGHT + timedelta(minutes=1))
    check_rates(now=MIDNIGHT + timedelta(hours=1))

    alert = Alert.objects.get()
    assert judged == 1  # the computer's rate stays; Shopify has no tax codes
    assert (alert.kind, alert.key, alert.severity, alert.count) == ("tax_code_differs", str(listing.pk), "critical", 2)
    assert "says GST_18, its tax code is GST_5 now" in alert.title
    assert f"sku={listing.sku_id}" in alert.link

    Listing.objects.filter(pk=listing.pk).update(attributes={"tax_code": "GST_5"})
    check_rates(now=MIDNIGHT + timedelta(days=30))
    alert.refresh_from_db()
    assert alert.resolved_at is not None


def test_a_night_without_a_worker_is_caught_up(listing: Listing) -> None:
    check_rates(now=MIDNIGHT + timedelta(days=3))

    assert Alert.objects.filter(kind="tax_code_differs").exists()


def test_the_hsn_may_be_the_categorys(listing: Listing) -> None:
    category = Category.objects.create(name="Phones", hsn=PHONE)
    Sku.objects.filter(pk=listing.sku_id).update(hsn="", category=category)

    assert check_rates(now=MIDNIGHT) == 1


def test_a_code_that_is_not_known_is_not_called_wrong(listing: Listing) -> None:
    Listing.objects.update(attributes={})

    check_rates(now=MIDNIGHT)

    assert not Alert.objects.exists()


def test_an_alert_ends_with_its_listing(listing: Listing) -> None:
    check_rates(now=MIDNIGHT)
    Listing.objects.filter(pk=listing.pk).update(vanished_at=timezone.now())

    check_rates(now=MIDNIGHT + timedelta(hours=1))

    assert Alert.objects.get().resolved_at is not None


@pytest.mark.parametrize(
    ("said", "right", "same"),
    [
        ("GST_5", "GST_5", True),
        ("GST_Footwear", "GST_FOOTWEAR", True),
        ("GST_Old_18_New_5", "GST_5", True),
        ("GST_Old_5_New_18", "GST_5", False),
        ("GST_18", "GST_5", False),
    ],
)
def test_a_code_for_the_day_of_a_change_means_its_new_rate(said: str, right: str, same: bool) -> None:
    assert means(said, right) is same


def test_it_is_looked_at_every_hour_first_a_minute_after_midnight_in_india(listing: Listing) -> None:
    call_command("sync_schedule", verbosity=0)
    call_command("sync_schedule", verbosity=0)

    task = PeriodicTask.objects.get(task="inventory_sync.engine.tasks.check_rates")
    assert (task.crontab.minute, task.crontab.hour, str(task.crontab.timezone)) == ("1", "*", "Asia/Kolkata")
    assert (task.interval, task.queue) == (None, "bulk")
    tasks.check_rates.run()
