"""Homes for embedded servers that a test may start, kill and forget; none survives the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory_sync.embedded import stop
from inventory_sync.embedded.home import locate_home, remove_home


@pytest.fixture(autouse=True)
def _no_servers_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "INVENTORY_SYNC_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home that the tests of a module share, since making one takes a second. Whatever they do to it, `ensure` repairs."""
    yield from borrow(tmp_path_factory.mktemp("shared") / "home")


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Path]:
    """A home of the test's own, which nobody has used."""
    yield from borrow(tmp_path / "home")


def borrow(home: Path) -> Iterator[Path]:
    """Lend a home; stop its servers and remove its data when it comes back."""
    yield home
    stop(home)
    remove_home(locate_home(home))
