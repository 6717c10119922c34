"""What every test may use."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

_quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("default", deadline=None, suppress_health_check=_quiet)
# The same examples in every run of CI, so that a change is judged by itself; new ones are looked for wherever somebody works.
settings.register_profile("ci", deadline=None, suppress_health_check=_quiet, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def now() -> datetime:
    """A fixed moment: the evening before a sale."""
    return datetime(2026, 10, 7, 18, 30, tzinfo=UTC)
