"""
Where Shopify and Flipkart deliver: verify the raw bytes, store them once, answer 200, wake a worker. Nothing is parsed here.

    POST /webhooks/shopify/          the account is the one of the X-Shopify-Shop-Domain header whose secret verifies
    POST /webhooks/<channel>/<key>/  the account's own address, with its long random key
"""

from __future__ import annotations

import logging
from dataclasses import replace

from django.conf import settings
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from inventory_sync.domain.errors import ChannelError, SignatureError
from inventory_sync.domain.ports import Delivery, DeliveryCheck
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.inbound import store_delivery
from skumap.models import ChannelAccount

logger = logging.getLogger(__name__)

MAX_BODY = 5 * 1024 * 1024
UNKEPT = {"cookie", "authorization", "proxy-authorization"}
REFUSED = {"error": {"code": "signature", "message": "The signature is missing or wrong."}}
TOO_LARGE = {"error": {"code": "too_large", "message": "The body is too large."}}


@method_decorator(csrf_exempt, name="dispatch")
class WebhookView(View):
    """One address for each account, and one for all Shopify shops."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, channel: str, key: str | None = None) -> HttpResponse:
        """200 once the delivery is stored (also for one that we have already), 401 for a wrong signature, 413 when it is too large."""
        declared = request.headers.get("Content-Length") or "0"
        if not declared.isdecimal() or int(declared) > MAX_BODY:
            return JsonResponse(TOO_LARGE, status=413)
        delivery = Delivery(
            body=request.body,
            headers={name.lower(): value for name, value in request.headers.items() if name.lower() not in UNKEPT},
            received_at=timezone.now(),
            url=request.build_absolute_uri(),
        )
        for account in _accounts(channel=channel, key=key, delivery=delivery):
            checked = _check(account, delivery, outside=f"{settings.PUBLIC_URL}{request.get_full_path()}")
            if checked is not None:
                topic = checked.topic.replace("\x00", "")
                store_delivery(account=account, delivery=delivery, key=checked.key, topic=topic, stale=checked.stale)
                return HttpResponse(status=200)
        return JsonResponse(REFUSED, status=401)


def _accounts(*, channel: str, key: str | None, delivery: Delivery) -> list[ChannelAccount]:
    """The accounts that a delivery may be for; the signature decides."""
    rows = ChannelAccount.objects.filter(channel=channel)
    if key is not None:
        return list(rows.filter(webhook_key=key))
    domain = delivery.headers.get("x-shopify-shop-domain", "").strip().lower()
    return list(rows.annotate(shop=Lower("identity")).filter(shop=domain)) if domain else []


def _check(account: ChannelAccount, delivery: Delivery, *, outside: str) -> DeliveryCheck | None:
    """
    What the account's channel makes of a delivery; None: it is not signed by anybody this account knows.

    Flipkart signs the address that it calls. Behind a proxy that may be the one we are known by outside, not the one that reached us.
    """
    for url in dict.fromkeys([delivery.url, outside]):
        try:
            return AccountContext(account).adapter.check_delivery(replace(delivery, url=url))
        except SignatureError as error:
            logger.warning("refused a delivery for account %s: %s", account.pk, error.message)
        except ChannelError as error:
            logger.warning("a delivery for account %s can't be checked: %s", account.pk, error)
            return None
    return None
