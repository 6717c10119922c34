"""The web process as it runs in production, spoken to through raw sockets: which headers come through, which bodies, and what comes back."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from inventory_sync.engine.models import WebhookDelivery
from skumap.models import ChannelAccount
from tests.api.test_webhooks import BODY, EVENT, VECTOR, push_headers

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
PUBLIC = "https://sync.example.in"


def database_url() -> str:
    """The address of the test database, for another process."""
    values = connection.settings_dict
    user = quote(values["USER"], safe="") + (f":{quote(values['PASSWORD'], safe='')}" if values["PASSWORD"] else "")
    return f"postgres://{user}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


@pytest.fixture(scope="module")
def port(django_db_setup: None, django_db_blocker) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    with django_db_blocker.unblock():
        address = database_url()
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "BIND": f"127.0.0.1:{number}",
        "WEB_WORKERS": "1",
        "PUBLIC_URL": PUBLIC,
        "BEHIND_PROXY": "1",
        "ALLOWED_HOSTS": "sync.example.in",
        "SECURE_SSL_REDIRECT": "1",
        "CREDENTIALS_KEYS": ",".join(settings.CREDENTIALS_KEYS),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "inventory_sync.config.wsgi"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        give_up = time.monotonic() + 30
        while not _answers(number):
            assert process.poll() is None, process.stdout.read().decode()
            assert time.monotonic() < give_up, "gunicorn does not answer"
            time.sleep(0.1)
        yield number
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _answers(number: int) -> bool:
    try:
        return speak(number, b"GET /healthz HTTP/1.1\r\nHost: sync.example.in\r\nConnection: close\r\n\r\n")[0] == 200
    except OSError:
        return False


def speak(number: int, request: bytes) -> tuple[int, bytes]:
    """Send these bytes. :return: the status, and everything after it."""
    with socket.create_connection(("127.0.0.1", number), timeout=10) as peer:
        peer.sendall(request)
        answer = b""
        while chunk := peer.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1]), answer


def post(number: int, path: str, headers: dict[str, str] | list[tuple[str, str]], body: bytes, *, length: bool = True):
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = [f"POST {path} HTTP/1.1", "Host: sync.example.in", "Connection: close", "X-Forwarded-Proto: https"]
    lines += [f"{name}: {value}" for name, value in pairs]
    lines += [f"Content-Length: {len(body)}"] if length else []
    return speak(number, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def underscored(headers: dict[str, str]) -> dict[str, str]:
    """As Flipkart spells them."""
    return {name.replace("-", "_"): value for name, value in headers.items()}


def test_a_push_in_flipkarts_own_spelling_is_accepted_and_stored(port, flipkart):
    path = f"/webhooks/flipkart/{flipkart.webhook_key}/"

    status, answer = post(port, path, underscored(push_headers(f"{PUBLIC}{path}")), EVENT)

    assert status == 200, answer
    row = WebhookDelivery.objects.get()
    assert bytes(row.body) == EVENT
    assert row.account == flipkart


def test_a_push_with_renamed_headers_is_accepted_as_well(port, flipkart):
    path = f"/webhooks/flipkart/{flipkart.webhook_key}/"

    assert post(port, path, push_headers(f"{PUBLIC}{path}"), EVENT)[0] == 200


@pytest.mark.parametrize("both", ["X-Date", "X-Authorization"])
@pytest.mark.parametrize("same", [True, False])
def test_a_header_in_both_spellings_is_refused(port, flipkart, both, same):
    path = f"/webhooks/flipkart/{flipkart.webhook_key}/"
    good = push_headers(f"{PUBLIC}{path}")
    other = good[both] if same else push_headers(f"{PUBLIC}{path}", secret="mallory")[both]
    pairs = [*underscored(good).items(), (both, other)]

    status, answer = post(port, path, pairs, EVENT)

    assert (status, b"ambiguous_headers" in answer) == (400, True)
    assert not WebhookDelivery.objects.exists()


def test_a_wrong_signature_in_underscores_is_refused(port, flipkart):
    path = f"/webhooks/flipkart/{flipkart.webhook_key}/"

    assert post(port, path, underscored(push_headers(f"{PUBLIC}{path}", secret="mallory")), EVENT)[0] == 401


def test_no_other_underscored_header_comes_through(port, shop):
    headers = {
        "X_Shopify_Hmac_Sha256": VECTOR, "X_Shopify_Shop_Domain": shop.identity, "X_Shopify_Topic": "orders/create",
        "SCRIPT_NAME": "/webhooks", "PATH_INFO": "/healthz",
    }  # fmt: skip

    assert post(port, "/webhooks/shopify/", headers, BODY)[0] == 401
    request = b"GET /admin/ HTTP/1.1\r\nHost: sync.example.in\r\nConnection: close\r\nX_Forwarded_Proto: https\r\n\r\n"
    assert speak(port, request)[0] == 301, "https is not believed from an underscored header"


def test_a_body_in_chunks_is_signed_as_a_whole(port, shop):
    headers = {
        "X-Shopify-Hmac-Sha256": VECTOR, "X-Shopify-Shop-Domain": shop.identity, "X-Shopify-Topic": "orders/create",
        "X-Shopify-Webhook-Id": "w-chunked", "Transfer-Encoding": "chunked",
    }  # fmt: skip
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:])) + b"0\r\n\r\n"

    assert post(port, "/webhooks/shopify/", headers, chunks, length=False)[0] == 200
    assert bytes(WebhookDelivery.objects.get().body) == BODY
    too_large = b"".join(b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20)) for _ in range(6)) + b"0\r\n\r\n"
    assert post(port, "/webhooks/shopify/", headers, too_large, length=False)[0] == 413


def test_the_probes_say_that_it_is_ready(port, db):
    status, answer = speak(port, b"GET /readyz HTTP/1.1\r\nHost: sync.example.in\r\nConnection: close\r\n\r\n")

    assert status == 200, answer
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["status"] == "ready"
    assert ChannelAccount.objects.count() == 0
