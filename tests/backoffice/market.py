"""The shop's Flipkart account on the sandbox: what pages that read or write a channel are tested with."""

from __future__ import annotations

from sandbox.flipkart.catalogue import DEMO_APP, DEMO_LOCATION
from sandbox.server import SandboxServer
from skumap.models import ChannelAccount, ChannelLocation, Listing
from tests.backoffice.shop import Shop
from tests.engine.offering import declare


def connect(shop: Shop, sandbox: SandboxServer) -> ChannelAccount:
    """The shop's Flipkart account talks to the sandbox, which knows all its listings but the tawa's."""
    location = str(DEMO_LOCATION["id"] if isinstance(DEMO_LOCATION, dict) else DEMO_LOCATION)
    sandbox.world.faults.clear()
    sandbox.flipkart.load(
        {
            "listings": [
                {
                    "sku": code,
                    "product_id": f"KURTADEMO00000{number:02d}",
                    "locations": 3,
                    "mrp": 999,
                    "selling_price": 499,
                }
                for number, code in enumerate(shop.skus)
                if code != "TAWA-28"
            ],
            "settings": {"access_token_seconds": 5_000_000, "propagation_seconds": [1, 2]},
        }
    )
    for listing in sandbox.flipkart.state.listings.values():
        listing.tax_code = "GST_APPAREL"
    account = shop.flipkart
    account.api_base = f"{sandbox.url}/flipkart"
    account.credentials = {"client_id": DEMO_APP.client_id, "client_secret": DEMO_APP.client_secret}
    account.settings = {"rate_per_hour": 100_000, "read_lag_seconds": 0.1}
    account.mode = "live"
    account.save()
    ChannelLocation.objects.filter(account=account).update(external_id=location)
    for number, (code, sku) in enumerate(shop.skus.items()):
        declare(sku, mrp="999")
        Listing.objects.filter(account=account, key=code).update(product_id=f"KURTADEMO00000{number:02d}")
    tawa = Listing.objects.get(account=account, key="TAWA-28")
    Listing.objects.filter(pk=tawa.pk).update(sku=None, status="ignored", key="GONE", seller_sku="GONE", product_id="")
    return account
