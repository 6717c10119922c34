"""``python -m sandbox --port 8600 --clock 20 --seed 7``: prints one JSON line when ready, runs until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence

from sandbox.server import SandboxServer


def main(argv: Sequence[str] | None = None) -> int:
    """:return: 0 after a signal to stop, 2 where the port can't be had."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Flipkart, Shopify and Amazon.in as one local server."
    )
    parser.add_argument("--port", type=int, default=8600, help="on 127.0.0.1; 0 takes a free one (default 8600)")
    parser.add_argument(
        "--clock", type=float, default=1.0, help="how much faster than real time delays pass (default 1)"
    )
    parser.add_argument("--seed", type=int, default=1, help="fixes delays and faults (default 1)")
    parser.add_argument("--verbose", action="store_true", help="log what the marketplaces do")
    options = parser.parse_args(argv)
    if options.clock <= 0:
        parser.error("--clock must be above 0")
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, stream=sys.stderr)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = SandboxServer(seed=options.seed, clock_factor=options.clock, port=options.port)
    except OSError as error:
        print(f"cannot listen on port {options.port}: {error}", file=sys.stderr)
        return 2
    with server:
        print(json.dumps({"url": server.url}), flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
