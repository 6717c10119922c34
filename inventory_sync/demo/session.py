"""Servers and processes of one run, from nothing to stopped. What is played on them is in ``play``."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from pathlib import Path

import requests

from inventory_sync.demo import environment
from inventory_sync.demo.children import BusyError, ChildError, Children, end_leftovers, only_one, wait_for_line
from inventory_sync.demo.market import Market
from inventory_sync.demo.options import Options
from inventory_sync.demo.screen import Screen
from inventory_sync.demo.world import World
from inventory_sync.embedded import EmbeddedServerError, ensure
from inventory_sync.embedded import stop as stop_servers
from inventory_sync.embedded.home import default_home, locate_home, remove_home

WEB_SECONDS = 60.0
INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


def main(options: Options) -> int:
    """
    Run and report.

    :return: 0 when every bar is met (or an open run was ended by Ctrl-C), 1 when one is missed or something broke, 130 for a bounded run cut short.
    """
    screen = Screen()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home = default_home() / "demo"
    try:
        with only_one(home):
            return _run(options, home, screen)
    except BusyError as error:
        screen.say(str(error))
    except KeyboardInterrupt:
        screen.say("Stopped.")
        return INTERRUPTED if options.minutes is not None else 0
    except (ChildError, EmbeddedServerError, requests.RequestException, RuntimeError) as error:
        screen.say(f"[red]The demo stopped:[/red] {error}\nThe logs are in {home}.")
    return 1


def _run(options: Options, home: Path, screen: Screen) -> int:
    began = time.monotonic()
    _clear(home)
    children: Children | None = None
    try:
        screen.say("Starting PostgreSQL, Redis and the marketplaces …")
        servers = ensure(home, durable=False)
        port = environment.free_port()
        values = environment.demo_environment(
            database_url=servers.database_url, redis_url=servers.redis_url, port=port, clock=options.clock
        )
        children = Children(home=home, environment=values)
        sandbox = children.start("sandbox", environment.sandbox_command(clock=options.clock, seed=options.seed))
        _set_up_django(values, log=home / "demo.log")
        from inventory_sync.demo import stage
        from inventory_sync.demo.play import Play

        login = stage.prepare_database()
        children.start("web", environment.web_command(port))
        environment.start_workers(children)
        world = World.of(options)
        play = Play(
            options=options,
            world=world,
            market=Market(json.loads(wait_for_line(sandbox, beginning="{"))["url"]),
            children=children,
            screen=screen,
            began=began,
        )
        _wait_for_web(children, values["PUBLIC_URL"])
        screen.open(address=values["PUBLIC_URL"], login=login)
        screen.say(
            f"{len(world.goods)} SKUs, {len(world.offers)} listings, mode {options.mode}, clock {options.clock:g}"
        )
        play.open(public_url=values["PUBLIC_URL"])
        if options.minutes is None:
            play.shop_without_end()
        report = play.shop()
        if options.report is not None:
            options.report.write_text(json.dumps(report.as_json(), indent=1) + "\n")
        screen.summary(report)
        return 1 if report.misses() else 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not stop the stopping
            signal.signal(number, signal.SIG_IGN)
        screen.close()
        if children is not None:
            children.stop()
        stop_servers(home)


def _clear(home: Path) -> None:
    """Nothing of an earlier run is left, and no real installation's servers are used."""
    end_leftovers(home)
    stop_servers(home)
    remove_home(locate_home(home))
    for log in home.glob("*.log"):
        log.unlink()
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)


def _set_up_django(values: dict[str, str], *, log: Path) -> None:
    """This process becomes part of the product; what it logs goes to a file, the terminal is for people."""
    os.environ.update(values)
    import django

    django.setup()
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    logging.getLogger().handlers = [handler]


def _wait_for_web(children: Children, url: str) -> None:
    deadline = time.monotonic() + WEB_SECONDS
    while time.monotonic() < deadline:
        children.check()
        try:
            if requests.get(f"{url}/admin/login/", timeout=(1, 10)).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise ChildError(f"the web process does not answer within {WEB_SECONDS:.0f} s")
