"""Which keys a file has had already, in little memory: hashes in flat arrays, no strings."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from hashlib import blake2b

_EMPTY = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Where a key stood before, and whether that row said the same in everything else."""

    row: int
    same: bool


class SeenKeys:
    """
    A hash table of (key, row, content) with open addressing: 20 bytes a slot, at most two thirds full.

    A million different keys take some 40 MB; two of a million keys are taken for one with a chance below 1 in 10 million.
    """

    def __init__(self, *, slots: int = 1024) -> None:
        self._size = 1 << max(slots - 1, 1).bit_length()
        self._count = 0
        self._make(self._size)

    def __len__(self) -> int:
        return self._count

    def add(self, key: str, *, row: int, content: str = "") -> Earlier | None:
        """
        Remember a key.

        :param content: everything else that the row says, to tell a repeated row from a contradicting one.
        :return: where the key stood first, or None when it is new.
        """
        hashed, body = _hash(key), _hash(content)
        slot = self._slot(hashed)
        if self._keys[slot] != _EMPTY:
            return Earlier(row=self._rows[slot], same=self._bodies[slot] == body)
        self._keys[slot], self._rows[slot], self._bodies[slot] = hashed, row, body
        self._count += 1
        if self._count * 3 > self._size * 2:
            self._grow()
        return None

    def _make(self, size: int) -> None:
        self._keys = array("Q", bytes(8 * size))
        self._bodies = array("Q", bytes(8 * size))
        self._rows = array("I", bytes(4 * size))

    def _slot(self, hashed: int) -> int:
        slot = hashed & (self._size - 1)
        while self._keys[slot] not in (_EMPTY, hashed):
            slot = (slot + 1) & (self._size - 1)
        return slot

    def _grow(self) -> None:
        keys, bodies, rows = self._keys, self._bodies, self._rows
        self._size *= 2
        self._make(self._size)
        for index, hashed in enumerate(keys):
            if hashed != _EMPTY:
                slot = self._slot(hashed)
                self._keys[slot], self._bodies[slot], self._rows[slot] = hashed, bodies[index], rows[index]


def _hash(text: str) -> int:
    """64 bits, never 0."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") or 1
