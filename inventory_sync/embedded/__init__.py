"""
PostgreSQL and Redis from wheels, so that demo and tests need nothing installed beside Python.

    servers = ensure()                      start the checkout's pair, or find it running
    with throwaway() as servers: ...        a private pair that ends with this process
    python -m inventory_sync.embedded       the same for a Makefile: start, stop, status, env, run

Never imported in production, and knows nothing of Django. Errors are ``EmbeddedServerError``.
"""

from inventory_sync.embedded.errors import EmbeddedServerError
from inventory_sync.embedded.pair import Servers, ensure, running_pids, stop
from inventory_sync.embedded.throwaway import throwaway

__all__ = ["EmbeddedServerError", "Servers", "ensure", "running_pids", "stop", "throwaway"]
