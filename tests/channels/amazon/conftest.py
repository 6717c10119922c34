from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.amazon.stub import Stub, running


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Every request that the client makes must fit the official models."""
    with running(Stub()) as server:
        yield server
    assert server.complaints == []
