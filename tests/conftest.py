"""What every test may use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("default")


@pytest.fixture
def now() -> datetime:
    """A fixed moment: the evening before a sale."""
    return datetime(2026, 10, 7, 18, 30, tzinfo=UTC)
