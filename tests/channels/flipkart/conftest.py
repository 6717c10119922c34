from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.flipkart.stub import Stub, running


@pytest.fixture
def flipkart() -> Iterator[Stub]:
    with running(Stub()) as stub:
        yield stub
