"""``/sellers/v2/returns`` and the push subscription switch (contract, sections 7 and 8.1)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from sandbox.flipkart.gate import Gate, object_body
from sandbox.flipkart.push import Push
from sandbox.flipkart.returns import Returns
from sandbox.flipkart.routes_shipments import capped
from sandbox.flipkart.state import State

ACTION_CAP = 100


def add_return_routes(blueprint: Blueprint, *, gate: Gate, state: State, returns: Returns, push: Push) -> None:
    def act(action: str) -> object:
        """``complete`` and ``cancel`` take a list of ids, the others a list of objects."""
        body = object_body(state)
        if action in {"complete", "cancel"}:
            ids = capped(state, body.get("returnIds"), "returnIds", ACTION_CAP)
            rows: list[dict[str, Any]] = [{"returnId": each} for each in ids]
        else:
            given = capped(state, body.get("returns"), "returns", ACTION_CAP)
            rows = [row if isinstance(row, dict) else {} for row in given]
        answers = []
        for row in rows:
            refusal = returns.act(action, row, state.returns.get(str(row.get("returnId"))))
            code, message = refusal or (None, None)
            answers.append(
                {
                    "returnId": row.get("returnId"),
                    state.settings.late_result_field: "FAILURE" if refusal else "SUCCESS",
                    "errorCode": code,
                    "errorMessage": message,
                }
            )
        return {"returns": answers}

    def subscription() -> object:
        body = object_body(state)
        if push.subscription is None or body.get("seller_id") != state.seller_id:
            raise state.bad_request("No subscription exists for the seller", code="INVALID_SUBSCRIPTION", status=404)
        push.subscription.orders = not body.get("disable_order", False)
        push.subscription.returns = not body.get("disable_returns", False)
        return {"message": "Subscription updated successfully"}

    gate.add(blueprint, "GET", "/v2/returns", "returns", lambda: returns.search(request.args.to_dict()))
    gate.add(blueprint, "GET", "/v2/returns/search/<cursor>", "returns", returns.next_page)
    for action in ("approve", "reject", "pickup", "pickupAttempt", "complete", "cancel"):
        gate.add(blueprint, "POST", f"/v2/returns/{action}", f"return_{action}", lambda action=action: act(action))
    gate.add(blueprint, "PUT", "/v3/notification/subscription", "notification_subscription", subscription)
