"""The object store beside the API: presigned URLs that live five minutes, for uploads and downloads."""

from __future__ import annotations

import gzip
import secrets
import time

from flask import Response, request, url_for

from sandbox.amazon.model import Document
from sandbox.amazon.state import State

DENIED = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)


def create(
    state: State, *, seller_id: str, content_type: str, kind: str, body: bytes | None = None, compress: bool = False
) -> Document:
    """A document, empty until uploaded when ``body`` is None. ``kind`` is ``feed`` or ``report``."""
    document = Document(
        document_id=f"amzn1.{'tortuga' if kind == 'feed' else 'spdoc'}.4.eu.{state.uuid()}.{state.digits(12)}",
        seller_id=seller_id,
        content_type=content_type,
        body=gzip.compress(body) if body is not None and compress else body,
        compression="GZIP" if compress else "",
    )
    state.documents[document.document_id] = document
    return document


def presigned_url(state: State, document: Document) -> str:
    """A fresh URL on this server; dies after ``document_seconds``."""
    secret = secrets.token_urlsafe(24)
    document.urls[secret] = time.monotonic() + state.scaled(state.settings.document_seconds)
    return url_for(".object_store", secret=secret, _external=True)


def _find(state: State, secret: str) -> Document | Response:
    for document in state.documents.values():
        if secret in document.urls:
            if document.urls[secret] <= time.monotonic():
                return _denied("AccessDenied", "Request has expired")
            return document
    return _denied("AccessDenied", "Access Denied")


def _denied(code: str, message: str) -> Response:
    return Response(DENIED.format(code=code, message=message), status=403, content_type="application/xml")


def upload(state: State, secret: str) -> Response:
    """PUT of the bytes; the Content-Type must be exactly the one that the document was created with."""
    found = _find(state, secret)
    if isinstance(found, Response):
        return found
    if request.headers.get("Content-Type", "") != found.content_type or "x-amz-access-token" in request.headers:
        return _denied("SignatureDoesNotMatch", MISMATCH)
    found.body = request.get_data()
    return Response(status=200)


def download(state: State, secret: str) -> Response:
    found = _find(state, secret)
    if isinstance(found, Response):
        return found
    if found.body is None:
        return _denied("NoSuchKey", "The specified key does not exist.")
    return Response(found.body, status=200, content_type=found.content_type)
