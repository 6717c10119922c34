"""The sandbox in this process: waitress on a loopback port, real HTTP."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, cast

from waitress import create_server, wasyncore

from sandbox import amazon, flipkart, shopify
from sandbox.amazon import AmazonMarketplace
from sandbox.app import build_app
from sandbox.flipkart import FlipkartMarketplace
from sandbox.shopify import ShopifyMarketplace
from sandbox.world import Marketplace, Mounted, World

THREADS = 16
CONNECTION_LIMIT = 500

OpenMarketplaces = Callable[[World], Sequence[Mounted]]


def all_marketplaces(world: World) -> list[Mounted]:
    """Flipkart, Shopify and Amazon.in over one world, not yet loaded with anything."""
    return [
        Mounted(marketplace=FlipkartMarketplace(world), mount="/flipkart", faults=flipkart.FAULTS),
        Mounted(marketplace=ShopifyMarketplace(world), mount="/shopify", faults=shopify.FAULTS),
        Mounted(marketplace=AmazonMarketplace(world), mount="/amazon", faults=amazon.FAULTS),
    ]


class SandboxServer:
    """
    One running sandbox. ``with SandboxServer(seed=7, clock_factor=20) as server: requests.get(server.url + ...)``

    :param seed: fixes delays, faults and ids.
    :param clock_factor: how much faster than real time delays, windows and token lifetimes pass.
    :param port: on 127.0.0.1; 0 takes a free one.
    :param open_marketplaces: what to serve; all three unless told otherwise.
    :raises OSError: the port is taken.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        clock_factor: float = 1.0,
        port: int = 0,
        open_marketplaces: OpenMarketplaces = all_marketplaces,
    ) -> None:
        self.world = World(seed=seed, clock_factor=clock_factor)
        try:
            mounted = open_marketplaces(self.world)
            self.marketplaces: dict[str, Marketplace] = {each.marketplace.channel: each.marketplace for each in mounted}
            self.app = build_app(self.world, mounted)
            listening = socket.create_server(("127.0.0.1", port), backlog=1024)
            self._http = create_server(
                self.app,
                sockets=[listening],
                threads=THREADS,
                ident=None,
                connection_limit=CONNECTION_LIMIT,
                asyncore_use_poll=True,
                clear_untrusted_proxy_headers=True,
            )
        except BaseException:
            self.world.stop()
            raise
        # A full queue is part of the play (slow answers are one of the faults), not news for the log.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self.url = f"http://127.0.0.1:{self._http.effective_port}"
        self._thread = threading.Thread(target=self._http.run, name="sandbox-http", daemon=True)

    @property
    def flipkart(self) -> FlipkartMarketplace:
        return cast(FlipkartMarketplace, self.marketplaces["flipkart"])

    @property
    def shopify(self) -> ShopifyMarketplace:
        return cast(ShopifyMarketplace, self.marketplaces["shopify"])

    @property
    def amazon(self) -> AmazonMarketplace:
        return cast(AmazonMarketplace, self.marketplaces["amazon"])

    def start(self) -> Self:
        """Answer requests from now on. Call once; a stopped server can't be started again."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Let running requests end (a few seconds at most), close every connection, end all threads. Safe to repeat."""
        self.world.stop()
        if self._thread.ident is None:
            wasyncore.close_all(self._http._map)
            self._http.task_dispatcher.shutdown(timeout=5)
            return
        if not self._thread.is_alive():
            return
        self._http.task_dispatcher.shutdown(timeout=5)
        # waitress has no stop of its own: with every socket closed on its own thread, the loop has nothing left to wait for.
        # One of those sockets is the trigger's, so it is closed only once the pull has written to it.
        pulled = threading.Event()

        def close_all() -> None:
            pulled.wait(timeout=5)
            wasyncore.close_all(self._http._map, ignore_all=True)

        self._http.trigger.pull_trigger(close_all)
        pulled.set()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
