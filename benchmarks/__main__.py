"""Run every benchmark on a scratch database and print one table; ``--only`` chooses, ``--json`` writes the figures."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["ledger", "orders", "decide", "claim"], action="append")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/out/speed.json"))
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inventory_sync.config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    import django

    django.setup()
    from benchmarks import speed

    rows = speed.run(only=set(options.only or []))
    width = max(len(row["name"]) for row in rows)
    print(f"{'what':<{width}}  {'per second':>12}  {'baseline':>12}  {'ratio':>7}")
    for row in rows:
        print(f"{row['name']:<{width}}  {row['per_second']:>12,.0f}  {row['baseline']:>12,.0f}  {row['ratio']:>6.1f}x")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
