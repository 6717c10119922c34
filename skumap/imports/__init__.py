"""
Imports and exports of SKUs, combos and mappings: staging by COPY, set-based differences, set-based writes.

The use case itself is ``inventory_sync.engine.imports``: a combo or a link takes effect on orders and quantities, which is above this layer.
"""

from __future__ import annotations
