"""``python -m inventory_sync.demo``: see ``options`` for what it takes. Exit code 0: every bar is met."""

from __future__ import annotations

import sys

from inventory_sync.demo.options import read_options
from inventory_sync.demo.session import main

if __name__ == "__main__":
    sys.exit(main(read_options()))
