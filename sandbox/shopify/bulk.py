"""Bulk operations: which inner queries are taken, and their result as JSONL in an order that is not to be relied on."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType, SelectionSetNode, parse

from sandbox.shopify.inventory import user_error
from sandbox.shopify.model import BulkOperation

if TYPE_CHECKING:
    from sandbox.shopify.context import CallContext
    from sandbox.shopify.schema import Engine
    from sandbox.shopify.state import Shop

logger = logging.getLogger(__name__)

MAX_RUNNING = 5
MAX_CONNECTIONS = 5
MAX_DEPTH = 2
URL_SECONDS = 7 * 86400
OPEN_STATUSES = ("CREATED", "RUNNING", "CANCELING")


def query_problem(query: str) -> str | None:
    """Why a bulk operation does not take this query; None when it does. The texts are ours."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return f"Invalid bulk query: {error.message}"
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        return "A bulk query must be one query"
    if operations[0].variable_definitions:
        return "A bulk query can't have variables"
    connections: list[int] = []
    roots = [each.name.value for each in operations[0].selection_set.selections if isinstance(each, FieldNode)]
    if set(roots) & {"node", "nodes"}:
        return "Bulk queries cannot contain a top level `node` field."
    problem = _selection_problem(operations[0].selection_set, connections, depth=0, top=True)
    if problem:
        return problem
    if not connections:
        return "Bulk queries must contain at least one connection."
    if len(connections) > MAX_CONNECTIONS:
        return f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections."
    if max(connections) > MAX_DEPTH:
        return f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_DEPTH}."
    return None


def _selection_problem(
    selections: SelectionSetNode, connections: list[int], *, depth: int, top: bool = False
) -> str | None:
    for each in selections.selections:
        if not isinstance(each, FieldNode) or each.selection_set is None:
            continue
        children = {child.name.value: child for child in each.selection_set.selections if isinstance(child, FieldNode)}
        if "nodes" in children:
            return "Bulk queries must use `edges` and `node` for connections; `nodes` is not supported."
        if "edges" not in children:
            if problem := _selection_problem(each.selection_set, connections, depth=depth):
                return problem
            continue
        connections.append(depth + 1)
        edge_fields = children["edges"].selection_set
        node = next(
            (child for child in (edge_fields.selections if edge_fields else ()) if isinstance(child, FieldNode) and child.name.value == "node"),
            None,
        )  # fmt: skip
        if node is None or node.selection_set is None:
            return f"The connection `{each.name.value}` must select `edges {{ node }}`"
        before = len(connections)
        if problem := _selection_problem(node.selection_set, connections, depth=depth + 1):
            return problem
        names = {child.name.value for child in node.selection_set.selections if isinstance(child, FieldNode)}
        if len(connections) > before and "id" not in names:
            return (
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of "
                f"'ID' return type. Connection fields without 'id': {each.name.value}."
            )
    return None


def lines_of(data: dict[str, Any]) -> Iterator[tuple[bool, dict[str, Any]]]:
    """
    One object per node, children after their parent: (is it a root, the object). A child names the nearest *connection* parent in
    ``__parentId``.
    """
    for value in data.values():
        if isinstance(value, dict):
            yield from _connection_lines(value, parent=None)


def _connection_lines(value: dict[str, Any], *, parent: str | None) -> Iterator[tuple[bool, dict[str, Any]]]:
    if "edges" not in value:
        for child in list(value.values()):
            if isinstance(child, dict):
                yield from _connection_lines(child, parent=parent)
        return
    for edge in value["edges"]:
        children: list[dict[str, Any]] = []
        row = _without_connections(edge["node"], children)
        if parent is not None:
            row["__parentId"] = parent
        yield parent is None, row
        for child in children:
            yield from _connection_lines(child, parent=row.get("id", parent))


def _without_connections(node: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in node.items():
        if isinstance(value, dict) and "edges" in value:
            found.append(value)
        elif isinstance(value, dict):
            row[name] = _without_connections(value, found)
        else:
            row[name] = value
    return row


def signature(shop: Shop, number: int, expires: int) -> str:
    """What a result's address is signed with: whoever has the address needs no token."""
    return hmac.new(shop.client_secret.encode(), f"bulk:{number}:{expires}".encode(), hashlib.sha256).hexdigest()


class BulkRunner:
    """Runs bulk operations on a thread of its own, some seconds after they were asked for."""

    def __init__(self, *, engine: Engine, lock: threading.RLock, rng: random.Random) -> None:
        self._engine = engine
        self._lock = lock
        self._random = rng
        self._pool: ThreadPoolExecutor | None = None

    def start(self, context: CallContext, *, query: str, group_objects: bool) -> dict[str, Any]:
        """The payload of ``bulkOperationRunQuery``. Under the lock."""
        shop = context.shop
        running = [each for each in shop.bulk_operations.values() if each.status in OPEN_STATUSES]
        if len(running) >= MAX_RUNNING:
            message = f"A bulk query operation for this app and shop is already in progress: {running[0].gid}."
            return {"bulkOperation": None, "userErrors": [user_error(None, message, "OPERATION_IN_PROGRESS")]}
        problem = query_problem(query) or self._engine.first_problem(query)
        if problem:
            return {"bulkOperation": None, "userErrors": [user_error(("query",), problem, "INVALID")]}
        number = shop.ids.next("BulkOperation")
        operation = BulkOperation(number=number, query=query, group_objects=group_objects, created_at=context.now)
        shop.bulk_operations[operation.number] = operation
        seconds = self._random.uniform(*shop.settings.bulk_seconds)
        later = replace(context, bulk=True, when_answered=[])
        context.world.scheduler.after(seconds / 2, lambda: self._set_running(operation))
        context.world.scheduler.after(seconds, lambda: self._hand_over(later, operation))
        return {"bulkOperation": operation, "userErrors": []}

    def _set_running(self, operation: BulkOperation) -> None:
        with self._lock:
            if operation.status == "CREATED":
                operation.status = "RUNNING"

    def _hand_over(self, context: CallContext, operation: BulkOperation) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-shopify-bulk")
        self._pool.submit(self._run, context, operation)

    def _run(self, context: CallContext, operation: BulkOperation) -> None:
        """Reads without the lock: as the real one, an export is no snapshot of one instant."""
        if context.world.stopping.is_set():
            return
        try:
            rows = self._rows(context, operation)
        except Exception:
            logger.exception("bulk operation %s failed inside the sandbox", operation.gid)
            rows = None
        with self._lock:
            now = context.world.clock.now()
            if operation.status == "CANCELING":
                operation.status = "CANCELED"
            else:
                self._finish(context, operation, rows)
            operation.completed_at = now
            self._announce(context, operation, now)

    def _rows(self, context: CallContext, operation: BulkOperation) -> list[tuple[bool, dict[str, Any]]] | None:
        """None when access was denied or the query failed."""
        result = self._engine.run_inner(context, operation.query)
        if result is None:
            return None
        rows = list(lines_of(result))
        if not operation.group_objects:
            self._random.shuffle(rows)
        return rows

    def _finish(
        self, context: CallContext, operation: BulkOperation, rows: list[tuple[bool, dict[str, Any]]] | None
    ) -> None:
        operation.status = "COMPLETED"
        if rows is None:
            operation.status, operation.error_code = "FAILED", "ACCESS_DENIED"
            return
        if context.world.faults.hit("shopify.bulk_failed"):
            operation.status, operation.error_code, operation.partial = "FAILED", "TIMEOUT", True
            rows = rows[: len(rows) // 2]
        operation.objects, operation.roots = len(rows), sum(is_root for is_root, _ in rows)
        text = "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for _, row in rows)
        operation.content = text.encode()

    def _announce(self, context: CallContext, operation: BulkOperation, now: datetime) -> None:
        event = context.event()
        payload = {
            "admin_graphql_api_id": operation.gid,
            "completed_at": now.isoformat(timespec="seconds"),
            "created_at": operation.created_at.isoformat(timespec="seconds"),
            "error_code": operation.error_code.lower() if operation.error_code else None,
            "status": operation.status.lower(),
            "type": "query",
        }
        context.webhooks.emit(context.shop, "BULK_OPERATIONS_FINISH", event_id=event.id, now=now, build=lambda: payload)
