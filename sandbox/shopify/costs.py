"""
What a query costs, and the bucket it is paid from.

Scalars 0, objects 1, a mutation 10, a connection 2 + size(first) x cost of a node (contract section 7, fitted to recorded
answers). ``userErrors``, ``pageInfo`` and the list of changes in an adjustment group are free: so a one-row set costs 13, as
recorded.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import get_argument_values

MUTATION_COST = 10
MAX_QUERY_COST = 1000
SIZES = ((0, 0), (1, 1), (2, 2), (5, 3), (10, 4), (20, 5), (50, 7), (100, 9), (250, 11))
FREE = {"userErrors", "pageInfo"}
TRANSPARENT = {("InventoryAdjustmentGroup", "changes")}


def size(count: int) -> int:
    """The factor for a page of so many nodes; between the known points it grows evenly, rounded up."""
    for (lower, low), (upper, high) in itertools.pairwise(SIZES):
        if count <= upper:
            return math.ceil(low + (high - low) * (count - lower) / (upper - lower))
    return SIZES[-1][1]


class CostCounter:
    """Counts one operation's cost before it runs (by its arguments) and after (by what came back)."""

    def __init__(
        self,
        *,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: dict[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._operation = operation
        self._mutation = operation.operation is OperationType.MUTATION
        root = schema.get_root_type(operation.operation)
        assert root is not None
        self._root = root

    def requested(self) -> int:
        return self._selection(self._operation.selection_set, self._root, depth=0)

    def actual(self, data: Mapping[str, Any] | None) -> int:
        """:param data: the answer; None (all of it failed) costs what every query costs at least."""
        if data is None:
            return MUTATION_COST if self._mutation else 0
        return self._selection(self._operation.selection_set, self._root, depth=0, data=data)

    def _selection(
        self, selections: SelectionSetNode | None, parent: GraphQLNamedType, *, depth: int, data: Any = ...
    ) -> int:
        total = alternatives = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                total += self._field(node, parent, depth=depth, data=data)
                continue
            fragment: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
            else:
                assert isinstance(node, InlineFragmentNode)
                fragment = node
            condition = fragment.type_condition
            inner = self._schema.get_type(condition.name.value) if condition else parent
            assert inner is not None
            cost = self._selection(fragment.selection_set, inner, depth=depth, data=data)
            if is_abstract_type(parent):
                alternatives = max(alternatives, cost)
            else:
                total += cost
        return total + alternatives

    def _field(self, node: FieldNode, parent: GraphQLNamedType, *, depth: int, data: Any) -> int:
        name = node.name.value
        if name in FREE or name.startswith("__"):
            return 0
        definition = parent.fields[name]  # type: ignore[attr-defined]  # validated: the parent has fields
        kind = get_named_type(definition.type)
        if is_leaf_type(kind):
            return 0
        value = data if data is ... else (data or {}).get(node.alias.value if node.alias else name)
        if depth == 0 and self._mutation:
            return MUTATION_COST + self._selection(node.selection_set, kind, depth=1, data=value)
        if value is None or value == []:
            return 0
        if kind.name.endswith("Connection"):
            return self._connection(node, definition, kind, depth=depth, data=value)
        if isinstance(value, list):
            costs = [
                1 + self._selection(node.selection_set, kind, depth=depth + 1, data=each) for each in value if each
            ]
            cost = sum(costs) if name == "nodes" else max(costs, default=0)
        else:
            cost = 1 + self._selection(node.selection_set, kind, depth=depth + 1, data=value)
            if name == "nodes" and value is ...:
                cost *= len(get_argument_values(definition, node, self._variables).get("ids", ()))
        return cost - 1 if (parent.name, name) in TRANSPARENT else cost

    def _connection(self, node: FieldNode, definition: Any, kind: GraphQLNamedType, *, depth: int, data: Any) -> int:
        """2 + size x the dearest node, asked for through ``nodes`` or ``edges { node }``."""
        assert isinstance(kind, GraphQLObjectType)
        per_node, count = 0, 0
        if data is ...:
            arguments = get_argument_values(definition, node, self._variables)
            count = arguments.get("first") or arguments.get("last") or 0
        for selection_set, node_kind, key in self._node_selections(node, kind):
            if data is ...:
                per_node += 1 + self._selection(selection_set, node_kind, depth=depth + 1)
                continue
            rows = data.get(key) or []
            count = max(count, len(rows))
            found: Iterable[int] = (
                1 + self._selection(selection_set, node_kind, depth=depth + 1, data=row.get("node", row))
                for row in rows
            )
            per_node += max(found, default=0)
        return 2 + size(count) * per_node

    def _node_selections(self, node: FieldNode, kind: GraphQLObjectType) -> Iterable[tuple[Any, GraphQLNamedType, str]]:
        for child in node.selection_set.selections if node.selection_set else ():
            if not isinstance(child, FieldNode) or child.name.value not in ("nodes", "edges"):
                continue
            inner = get_named_type(kind.fields[child.name.value].type)
            key = child.alias.value if child.alias else child.name.value
            if child.name.value == "nodes":
                yield child.selection_set, inner, key
                continue
            for grandchild in child.selection_set.selections if child.selection_set else ():
                if isinstance(grandchild, FieldNode) and grandchild.name.value == "node":
                    yield grandchild.selection_set, get_named_type(inner.fields["node"].type), key


class Bucket:
    """A leaky bucket of points that refills by the sandbox's sped-up seconds. Not thread-safe: kept under the marketplace's lock."""

    def __init__(self, *, points_per_second: int, clock_factor: float) -> None:
        self.restore_rate = points_per_second
        self.capacity = points_per_second * 20
        self._factor = clock_factor
        self._level = float(self.capacity)
        self._at = time.monotonic()

    def take(self, points: int) -> bool:
        """Pay if there is enough, else leave the bucket as it is."""
        self._refill()
        if self._level < points:
            return False
        self._level -= points
        return True

    def give_back(self, points: int) -> None:
        self._level = min(self._level + points, float(self.capacity))

    def drain(self, points: int) -> None:
        """Another app's or an earlier call's use: the bucket is lowered, never below empty."""
        self._refill()
        self._level = max(self._level - points, 0.0)

    def status(self) -> dict[str, int]:
        self._refill()
        return {
            "maximumAvailable": self.capacity,
            "currentlyAvailable": int(self._level),
            "restoreRate": self.restore_rate,
        }

    def _refill(self) -> None:
        now = time.monotonic()
        self._level = min(self._level + (now - self._at) * self.restore_rate * self._factor, float(self.capacity))
        self._at = now
