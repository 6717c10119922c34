"""
Buyers at work: runs a list of arrivals against the marketplaces in real time and records what became of each.

In a thread (:class:`Shopper`) or as a process::

    python -m sandbox.shopper --url http://127.0.0.1:8600 --plan plan.json --report out.json

The plan is a JSON object of the arguments of :func:`sandbox.arrivals.arrivals`: ``{"seed": 7, "minutes": 60, "listings": [{"channel":
"flipkart", "listing_key": "...", "rate_per_hour": 12, "options": {}, "option_shares": {}}], "two_unit_share": 0.05, ...}``.
"""

from __future__ import annotations

import argparse
import inspect
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import requests

from sandbox.arrivals import (
    Arrival,
    ListingDemand,
    OracleResult,
    OracleSku,
    arrivals,
    oracle_accepted,
    zipf_rates,
)

if TYPE_CHECKING:
    from sandbox.server import SandboxServer

__all__ = [
    "Arrival",
    "ListingDemand",
    "OracleResult",
    "OracleSku",
    "Outcome",
    "Shopper",
    "arrivals",
    "oracle_accepted",
    "read_plan",
    "zipf_rates",
]

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = (3.0, 20.0)  # connect, read; a call that times out is recorded as failed and never repeated


@dataclass(slots=True, kw_only=True)
class Outcome:
    """
    What became of one arrival. ``result``: "pending", "accepted", "refused" (``reason`` says why) or "failed" (no answer: it may
    have been accepted; the sandbox's truth knows).

    ``late_seconds`` is how long after its due instant the call began, in real seconds. ``cancel`` is "" (no cancellation),
    "cancelled" or "failed".
    """

    arrival: Arrival
    result: str = "pending"
    order_id: str = ""
    reason: str = ""
    called_at: datetime | None = None
    late_seconds: float = 0.0
    cancel: str = ""


class Market(Protocol):
    """Where a shopper buys. Both calls raise when the marketplace does not take them or does not answer."""

    def clock_factor(self) -> float: ...

    def buy(self, arrival: Arrival) -> Mapping[str, Any]: ...

    def cancel(self, *, channel: str, order_id: str) -> bool:
        """False where it was too late."""
        ...


class DirectMarket:
    """The marketplaces of a server in this process."""

    def __init__(self, server: SandboxServer) -> None:
        self._server = server

    def clock_factor(self) -> float:
        return self._server.world.clock.factor

    def buy(self, arrival: Arrival) -> Mapping[str, Any]:
        marketplace = self._server.marketplaces[arrival.channel]
        return asdict(marketplace.buy(listing_key=arrival.listing_key, units=arrival.units, **arrival.options))

    def cancel(self, *, channel: str, order_id: str) -> bool:
        return bool(self._server.marketplaces[channel].cancel(order_id=order_id, by="buyer")["cancelled"])


class ControlMarket:
    """The marketplaces behind a control API, one kept-alive connection per calling thread."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + "/_control"
        self._local = threading.local()

    def clock_factor(self) -> float:
        response = self._session().get(f"{self._url}/state", timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return float(response.json()["clock_factor"])

    def buy(self, arrival: Arrival) -> Mapping[str, Any]:
        body = {**arrival.options, "listing_key": arrival.listing_key, "units": arrival.units}
        return self._post(f"{arrival.channel}/buy", body)

    def cancel(self, *, channel: str, order_id: str) -> bool:
        return bool(self._post(f"{channel}/cancel", {"order_id": order_id, "by": "buyer"})["cancelled"])

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        response = self._session().post(f"{self._url}/{path}", json=body, timeout=TIMEOUT_SECONDS)
        if response.status_code != 200:
            raise RuntimeError(f"{path}: {response.status_code} {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False  # loopback: no proxy of the environment
        session: requests.Session = self._local.session
        return session


class Shopper:
    """
    Runs arrivals in real time, each at ``at_seconds`` / clock factor after :meth:`start`.

    Calls go out from ``workers`` threads, so a slow answer does not shift the next buyer (``late_seconds`` shows if it did).

    :param target: a sandbox's URL, or a server in this process.
    """

    def __init__(self, *, target: str | SandboxServer, arrivals: Iterable[Arrival], workers: int = 8) -> None:
        self._market: Market = ControlMarket(target) if isinstance(target, str) else DirectMarket(target)
        self.outcomes = [Outcome(arrival=arrival) for arrival in arrivals]
        self._workers = workers
        self._stop = threading.Event()
        self._bought = [threading.Event() for _ in self.outcomes]
        self._thread = threading.Thread(target=self._run, name="sandbox-shopper", daemon=True)

    def start(self) -> Shopper:
        """:raises requests.RequestException: the sandbox does not answer."""
        self._factor = self._market.clock_factor()
        self._thread.start()
        return self

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """True once every arrival and cancellation is done (or was given up by :meth:`stop`)."""
        self._thread.join(timeout=timeout_seconds)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Send nobody else to the shops; calls under way are waited for. Arrivals left over stay "pending"."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def report(self) -> dict[str, Any]:
        """
        ``{"channels": {channel: {arrivals, accepted, refused, failed, pending, cancelled, units}}, "latest_seconds": worst lateness,
        "outcomes": [...]}``; ``units`` are of accepted orders, times of outcomes ISO 8601.
        """
        channels: dict[str, dict[str, int]] = {}
        for outcome in self.outcomes:
            names = ("arrivals", "accepted", "refused", "failed", "pending", "cancelled", "units")
            row = channels.setdefault(outcome.arrival.channel, dict.fromkeys(names, 0))
            row["arrivals"] += 1
            row[outcome.result] += 1
            row["cancelled"] += outcome.cancel == "cancelled"
            row["units"] += outcome.arrival.units if outcome.result == "accepted" else 0
        rows = []
        for outcome in self.outcomes:
            row_of_outcome = asdict(outcome)
            row_of_outcome |= row_of_outcome.pop("arrival")
            row_of_outcome["called_at"] = outcome.called_at.isoformat() if outcome.called_at else None
            rows.append(row_of_outcome)
        latest = max((outcome.late_seconds for outcome in self.outcomes), default=0.0)
        return {"channels": channels, "latest_seconds": latest, "outcomes": rows}

    def _run(self) -> None:
        """Hands each buy and cancellation to a worker at its instant."""
        timeline = []
        for index, outcome in enumerate(self.outcomes):
            arrival = outcome.arrival
            timeline.append((arrival.at_seconds / self._factor, index, False))
            if arrival.cancel_after_seconds is not None:
                timeline.append(((arrival.at_seconds + arrival.cancel_after_seconds) / self._factor, index, True))
        started = time.monotonic()
        pool = ThreadPoolExecutor(max_workers=self._workers, thread_name_prefix="sandbox-buyer")
        try:
            for due, index, is_cancellation in sorted(timeline):
                if self._stop.wait(max(started + due - time.monotonic(), 0)):
                    return
                if is_cancellation:
                    pool.submit(self._cancel, index)
                else:
                    pool.submit(self._buy, index, started + due)
        finally:
            pool.shutdown(wait=True, cancel_futures=self._stop.is_set())

    def _buy(self, index: int, due: float) -> None:
        outcome = self.outcomes[index]
        outcome.late_seconds = max(time.monotonic() - due, 0.0)
        outcome.called_at = datetime.now(UTC)
        try:
            answer = self._market.buy(outcome.arrival)
            outcome.order_id, outcome.reason = str(answer["order_id"]), str(answer["reason"])
            outcome.result = "accepted" if answer["accepted"] else "refused"
        except Exception as error:  # one buyer's bad luck must not end the run; it stands in the report
            logger.warning("buying %s on %s failed: %s", outcome.arrival.listing_key, outcome.arrival.channel, error)
            outcome.result, outcome.reason = "failed", str(error)
        finally:
            self._bought[index].set()

    def _cancel(self, index: int) -> None:
        # The pool is first in, first out, so the buy began before this: waiting for it can't starve it of a worker.
        self._bought[index].wait()
        outcome = self.outcomes[index]
        if outcome.result != "accepted":
            return
        try:
            cancelled = self._market.cancel(channel=outcome.arrival.channel, order_id=outcome.order_id)
            outcome.cancel = "cancelled" if cancelled else "failed"
        except Exception as error:  # as above: e.g. shipped meanwhile
            logger.info("cancelling %s on %s failed: %s", outcome.order_id, outcome.arrival.channel, error)
            outcome.cancel, outcome.reason = "failed", str(error)


def read_plan(text: str) -> list[Arrival]:
    """
    The arrivals of a plan as described in this module's docstring.

    :raises ValueError: not JSON, a field that is missing, unknown or out of range.
    """
    plan = json.loads(text)
    if not isinstance(plan, dict) or not isinstance(plan.get("listings"), list):
        raise ValueError('a plan is a JSON object with "seed", "minutes" and a list of "listings"')
    try:
        plan["listings"] = [ListingDemand(**listing) for listing in plan["listings"]]
        inspect.signature(arrivals).bind(**plan)
        return arrivals(**plan)
    except TypeError as error:
        raise ValueError(f"bad plan: {error}") from error


def main(argv: Sequence[str] | None = None) -> int:
    """:return: 0 when all arrivals were tried, 1 when stopped before, 2 for a plan that can't be read or a sandbox that is not there."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.shopper", description="Buyers for a running sandbox.")
    parser.add_argument("--url", required=True, help="the sandbox, e.g. http://127.0.0.1:8600")
    parser.add_argument("--plan", required=True, type=Path, help="JSON: seed, minutes, listings with rates, shares")
    parser.add_argument("--report", required=True, type=Path, help="where the outcomes go, as JSON")
    parser.add_argument("--workers", type=int, default=8, help="calls at the same time (default 8)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        shopper = Shopper(
            target=options.url, arrivals=read_plan(options.plan.read_text()), workers=options.workers
        ).start()
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        print(error)
        return 2
    while not stop.is_set() and not shopper.wait(0.2):
        pass
    shopper.stop()
    report = shopper.report()
    partial = options.report.with_name(options.report.name + ".partial")
    partial.write_text(json.dumps(report, indent=1))
    os.replace(partial, options.report)
    print(json.dumps({"channels": report["channels"], "latest_seconds": report["latest_seconds"]}))
    return 1 if any(row["pending"] for row in report["channels"].values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
