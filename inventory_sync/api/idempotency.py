"""
``Idempotency-Key``: the same request sent twice is done once, and answered the same way twice.

The key is taken, the work done and the answer stored in one transaction. A second request with the same key waits on the unique index until the
first one has ended, so of two at once only one has an effect. A request that failed leaves no trace: its key can be used again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from inventory_sync.api.errors import ConflictError
from inventory_sync.api.models import ApiToken, IdempotencyRecord
from inventory_sync.stock.ledger import retrying

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,120}")


def key_of(request: Request) -> str:
    """
    The request's key.

    :raises ValidationError: there is none, or it is not 1 to 120 visible ASCII characters.
    """
    key = request.headers.get(HEADER, "").strip()
    if not key:
        message = f"Send a header {HEADER} with a value of your own, such as a UUID, that you repeat when you retry this request."
        raise ValidationError({HEADER: [message]})
    if not _KEY.fullmatch(key):
        raise ValidationError({HEADER: ["1 to 120 visible ASCII characters, no spaces."]})
    return key


def fingerprint(request: Request) -> str:
    """What makes two requests the same: method, path and the content of the body, whatever its spacing or order of fields."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(f"{request.method} {request.path.rstrip('/')}\n{body}".encode()).hexdigest()


def answer_once(request: Request, work: Callable[[str], dict[str, Any]], *, status: int = 201) -> Response:
    """
    Do ``work`` once for the request's key and answer with what it returned; a repeat gets the stored answer.

    :param work: gets a key that is unique over all tokens; runs in the transaction that stores the answer.
    :raises ConflictError: the key was used for another request.
    """
    key, print_ = key_of(request), fingerprint(request)
    token = request.auth
    assert isinstance(token, ApiToken)
    answer, stored_status, replayed = _once(token=token, key=key, print_=print_, work=work, status=status)
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    return Response(answer, status=stored_status, headers=headers)


@retrying
def _once(
    *, token: ApiToken, key: str, print_: str, work: Callable[[str], dict[str, Any]], status: int
) -> tuple[Any, int, bool]:
    with transaction.atomic():
        mine = IdempotencyRecord(token=token, key=key, fingerprint=print_)
        IdempotencyRecord.objects.bulk_create([mine], ignore_conflicts=True)
        record = IdempotencyRecord.objects.select_for_update().get(token=token, key=key)
        if record.status is not None:
            if record.fingerprint != print_:
                raise ConflictError(f"The {HEADER} {key!r} was used before, for another request.")
            return json.loads(str(record.answer)), record.status, True
        answer = work(f"api:{token.pk}:{key}")
        record.answer, record.status = (
            json.dumps(answer, default=str),
            status,
        )  # as text: jsonb would change the order of fields
        record.save(update_fields=["answer", "status"])
        return answer, status, False
