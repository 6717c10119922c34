"""``manage.py rotate_credentials``: encrypt everything that is stored with the newest key."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from skumap.fields import CredentialsUnreadableError, EncryptedJSONField


class Command(BaseCommand):
    help = (
        "Encrypt all stored credentials and tokens anew with the first key of CREDENTIALS_KEYS. "
        "To rotate: put a new key in front, restart, run this, then take the old key out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = {}
        for model in apps.get_models():
            fields = [field.attname for field in model._meta.concrete_fields if isinstance(field, EncryptedJSONField)]
            if fields:
                counts[model._meta.label] = rotate(model, fields)
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            for label, count in counts.items():
                self.stdout.write(f"{label}: {count} rows are encrypted with the newest key.")


def rotate(model: type[models.Model], fields: list[str]) -> int:
    """
    Encrypt these fields of every row anew, row by row under its lock, so that a token that is refreshed meanwhile is not put back.

    :raises CommandError: a row can't be read with any key; the rows before it are done, and running again goes on.
    """
    done = 0
    for pk in list(model._default_manager.order_by("pk").values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                row = model._default_manager.select_for_update().filter(pk=pk).first()
                if row is not None:
                    model._default_manager.filter(pk=pk).update(**{name: getattr(row, name) for name in fields})
                    done += 1
        except CredentialsUnreadableError as error:
            raise CommandError(f"{model._meta.label} {pk}: {error}") from error
    return done
