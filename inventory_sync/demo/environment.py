"""What the product's processes read from their environment: for the demo everything made up, for ``make run`` only what is missing."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Mapping

from cryptography.fernet import Fernet

from inventory_sync.demo.children import Children

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def demo_environment(*, database_url: str, redis_url: str, port: int, clock: float) -> dict[str, str]:
    """
    The whole environment of a demo's processes.

    Settings of a real installation, in the environment or in ``.env``, must not reach the demo, so all that matter are given here.
    """
    own = {
        "DJANGO_SETTINGS_MODULE": "inventory_sync.config.settings",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "CREDENTIALS_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": f"http://{LOOPBACK}:{port}",
        "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "CSRF_TRUSTED_ORIGINS": f"http://{LOOPBACK}:{port}",
        "ALLOW_PRIVATE_HOSTS": "1",
        "BEHIND_PROXY": "0",
        "SECURE_SSL_REDIRECT": "0",
        "DEBUG": "0",
        "CLOCK_FACTOR": f"{clock:g}",
        "TICK_SECONDS": f"{tick_seconds(clock):g}",
        "WORKERS": "2",
        "ALERT_EMAILS": "",
        "ALERT_WEBHOOK_URL": "",
        "EMAIL_URL": "consolemail://",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
    }
    return {**_without_proxies(os.environ), **own}


def tick_seconds(clock: float) -> float:
    """How often the product looks for what is due: its 5 seconds by the marketplaces' clock, but no oftener than twice a second."""
    return max(0.5, 5.0 / clock)


def web_command(port: int, *, host: str = LOOPBACK) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "inventory_sync.config.wsgi", "--bind", f"{host}:{port}", "--worker-class", "gthread",
        "--workers", "1", "--threads", "4", "--timeout", "60", "--graceful-timeout", "3", "--access-logfile", "/dev/null",
    ]  # fmt: skip


def worker_command(name: str, *, queues: str, threads: int) -> list[str]:
    """One worker process; its tasks wait for the network and the database most of the time, so threads serve them."""
    return [
        sys.executable, "-m", "celery", "-A", "inventory_sync.config.celery", "worker", "--queues", queues, "--pool", "threads",
        "--concurrency", str(threads), "--hostname", f"{name}@%h", "--loglevel", "INFO", "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def sandbox_command(*, clock: float, seed: int) -> list[str]:
    return [sys.executable, "-m", "sandbox", "--port", "0", "--clock", f"{clock:g}", "--seed", str(seed)]


def beat_command() -> list[str]:
    return [
        sys.executable, "-m", "celery", "-A", "inventory_sync.config.celery", "beat", "--loglevel", "INFO", "--pidfile", "",
    ]  # fmt: skip


# Apart, so that a flood of one kind of work (quantities to send) can't keep the others waiting: name -> queues, threads.
WORKERS = {"inbound": ("inbound", 5), "push": ("push", 5), "reader": ("poll,bulk", 8)}


def start_workers(children: Children) -> None:
    """The workers and beat."""
    for name, (queues, threads) in WORKERS.items():
        children.start(name, worker_command(name, queues=queues, threads=threads))
    children.start("beat", beat_command())


def _without_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Loopback calls must not go through a proxy."""
    return {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")} | {
        "NO_PROXY": "*"
    }
