"""Two seller accounts and a few SKUs."""

from __future__ import annotations

import pytest

from skumap.models import ChannelAccount, Sku


@pytest.fixture
def account(db: None) -> ChannelAccount:
    return ChannelAccount.objects.create(channel="flipkart", name="Flipkart one")


@pytest.fixture
def other_account(db: None) -> ChannelAccount:
    return ChannelAccount.objects.create(channel="amazon", name="Amazon one")


@pytest.fixture
def tee(db: None) -> Sku:
    return Sku.objects.create(code="TEE")


@pytest.fixture
def cap(db: None) -> Sku:
    return Sku.objects.create(code="CAP")
