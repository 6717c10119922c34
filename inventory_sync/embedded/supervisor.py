"""The process that holds a throw-away pair of servers (see ``throwaway``): start, announce, wait for the end, remove."""

import json
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from inventory_sync.embedded.errors import EmbeddedServerError
from inventory_sync.embedded.home import locate_home, remove_home
from inventory_sync.embedded.pair import ensure, stop


def main() -> None:
    """Serve one owner, who is at the other end of standard input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # clean up as at the end of the input
    home = Path(tempfile.mkdtemp(prefix="inventory-sync-"))
    try:
        servers = ensure(home, durable=False)
        print(json.dumps(asdict(servers), default=str), flush=True)
        sys.stdin.buffer.read()
    except EmbeddedServerError as error:
        sys.exit(str(error))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop(home)
        remove_home(locate_home(home))
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
