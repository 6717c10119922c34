"""
WSGI entry point, with what Django can't see any more put right below ``/webhooks/``.

Flipkart's headers are ``X_Date`` and ``X_Authorization``. In WSGI they have the same name as ``X-Date`` and ``X-Authorization``, and a server
joins two that differ only there with a comma. What is signed must not be a mixture of two, so such a request is refused.

A body that comes in chunks has no length; Django would take it for empty, and a good signature for a bad one.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inventory_sync.config.settings")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

PREFIX = "/webhooks/"
MAX_BODY = 5 * 1024 * 1024


def doubled(environ: Environ) -> bool:
    """
    Whether one of Flipkart's headers came twice, in either spelling.

    A date of HTTP has one comma ("Thu, 01 Jan 2026 00:00:00 GMT") and ends once with its zone; the other header has none.
    """
    date, signature = environ.get("HTTP_X_DATE", ""), environ.get("HTTP_X_AUTHORIZATION", "")
    return "," in signature or date.count(",") > 1 or date.count("GMT") > 1


def webhook_edge(app: App) -> App:
    """Wrap ``app``: below ``/webhooks/`` refuse doubled signature headers, and read bodies without a length."""

    def edge(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(PREFIX):
            return app(environ, start_response)
        if doubled(environ):
            return _refuse(
                start_response, "400 Bad Request", b'"ambiguous_headers", "message": "A header came in two spellings."'
            )
        if environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(MAX_BODY + 1)
            if len(body) > MAX_BODY:
                return _refuse(
                    start_response, "413 Content Too Large", b'"too_large", "message": "The body is too large."'
                )
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        return app(environ, start_response)

    return edge


def _refuse(start_response: StartResponse, status: str, what: bytes) -> Iterable[bytes]:
    body = b'{"error": {"code": ' + what + b"}}"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


application = webhook_edge(get_wsgi_application())
