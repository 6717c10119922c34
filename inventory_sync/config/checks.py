"""
System checks of the configuration: what is missing or dangerous is named when a command starts, and fails ``check --deploy``.

    E001  a key in CREDENTIALS_KEYS is no Fernet key            E003  WORKERS below 1, TICK_SECONDS not above 0, CLOCK_FACTOR not above 0
    E002  PUBLIC_URL is no address, or has a path               E004  a channel's adapter can't be loaded
    W001  private hosts are allowed on a public installation    W002  PUBLIC_URL is plain http, so channels can't notify us (deploy)
    W003  DEBUG is on (deploy)                                  W004  the clock does not run at its own pace (deploy)
    W005  PUBLIC_URL's host is not in ALLOWED_HOSTS             W006  live accounts, and PUBLIC_URL is plain http (deploy, database)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.http.request import validate_host
from django.utils.module_loading import import_string


@register()
def check_credentials_keys(**_: Any) -> list[CheckMessage]:
    """Credentials at rest can be encrypted and read."""
    keys: list[str] = settings.CREDENTIALS_KEYS
    hint = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
    if not keys:
        return [Error("CREDENTIALS_KEYS holds no key.", hint=hint, id="inventory_sync.E001")]
    wrong = [index for index, key in enumerate(keys, start=1) if not _is_fernet(key)]
    return [
        Error(f"Key {index} of CREDENTIALS_KEYS is not a Fernet key.", hint=hint, id="inventory_sync.E001")
        for index in wrong
    ]


def _is_fernet(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


@register()
def check_public_url(**_: Any) -> list[CheckMessage]:
    """PUBLIC_URL is where others reach us, and we answer there."""
    try:
        url = urlsplit(settings.PUBLIC_URL)
        host, _port = url.hostname or "", url.port
    except ValueError:
        url, host = urlsplit(""), ""
    if url.scheme not in ("http", "https") or not host or url.path or url.query or url.fragment:
        message = "PUBLIC_URL must be scheme and host, such as https://sync.example.in"
        return [Error(message, id="inventory_sync.E002")]
    found: list[CheckMessage] = []
    if url.scheme == "https" and settings.ALLOW_PRIVATE_HOSTS:
        found.append(
            Warning(
                "ALLOW_PRIVATE_HOSTS is on: whoever may edit a seller account can let this server call hosts of your own network.",
                hint="It is for the sandbox. Take it out of the environment.",
                id="inventory_sync.W001",
            )
        )
    if not settings.DEBUG and not validate_host(host, settings.ALLOWED_HOSTS):
        found.append(
            Warning(
                f"PUBLIC_URL names {host}, which is not in ALLOWED_HOSTS: every notification would be refused.",
                id="inventory_sync.W005",
            )
        )
    return found


@register()
def check_numbers(**_: Any) -> list[CheckMessage]:
    """Numbers that must be above 0 are."""
    found: list[CheckMessage] = []
    if settings.WORKERS < 1:
        found.append(
            Error(
                "WORKERS must be at least 1: call budgets are divided by it while Redis is away.",
                id="inventory_sync.E003",
            )
        )
    found += [
        Error(f"{name} must be above 0.", id="inventory_sync.E003")
        for name in ("TICK_SECONDS", "CLOCK_FACTOR")
        if getattr(settings, name) <= 0
    ]
    return found


@register()
def check_adapters(**_: Any) -> list[CheckMessage]:
    """Each channel's adapter can be loaded."""
    found: list[CheckMessage] = []
    for channel, path in settings.CHANNEL_ADAPTERS.items():
        try:
            import_string(path)
        except ImportError as error:
            found.append(Error(f"The adapter of {channel} can't be loaded: {error}", id="inventory_sync.E004"))
    return found


@register(deploy=True)
def check_deployment(**_: Any) -> list[CheckMessage]:
    """What is fine on a desk and is not in production."""
    found: list[CheckMessage] = []
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append(
            Warning(
                f"PUBLIC_URL is {settings.PUBLIC_URL}: Shopify and Flipkart deliver to https addresses only.",
                hint="Orders come by polling alone until it is https.",
                id="inventory_sync.W002",
            )
        )
    if settings.DEBUG:
        found.append(Warning("DEBUG is on: error pages show what is inside.", id="inventory_sync.W003"))
    if settings.CLOCK_FACTOR != 1:
        found.append(
            Warning(
                "CLOCK_FACTOR is for sandboxes; marketplaces run at the pace of the clock on the wall.",
                id="inventory_sync.W004",
            )
        )
    return found


@register(Tags.database, deploy=True)
def check_live_accounts(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Live accounts are told of sales where they can be (only with ``--database default``)."""
    if not databases or settings.PUBLIC_URL.startswith("https://"):
        return []
    from skumap.models import ChannelAccount

    try:
        live = ChannelAccount.objects.filter(mode=ChannelAccount.Mode.LIVE).count()
    except DatabaseError:
        return []  # not migrated yet: then nothing is live
    if not live:
        return []
    message = (
        f"{live} accounts are live, and PUBLIC_URL is plain http: their sales are known only when they are polled."
    )
    return [Warning(message, id="inventory_sync.W006")]
