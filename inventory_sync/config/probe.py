"""``python -m inventory_sync.config.probe [path]``: ask the web process in this container how it is. Exit code 0: well."""

from __future__ import annotations

import http.client
import os
import sys


def main(path: str = "/readyz") -> int:
    """Ask on the port of ``BIND``, under the first name in ``ALLOWED_HOSTS``, which is the only kind that Django answers to."""
    port = int(os.environ.get("BIND", "127.0.0.1:8000").rpartition(":")[2])
    name = (
        os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".").replace("*", "localhost") or "localhost"
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", path, headers={"Host": name})
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode(errors="replace") + "\n")
    except OSError as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
