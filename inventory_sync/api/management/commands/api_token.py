"""``manage.py api_token``: a key for the REST API, shown once; or revoke one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from inventory_sync.api.commands import AnsweringCommand
from inventory_sync.api.models import ApiToken


class Command(AnsweringCommand):
    help = "Make a key for the REST API and print it, once: only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="who will use it; must be free")
        parser.add_argument(
            "--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.READ.value, help="write may also read"
        )
        parser.add_argument("--revoke", action="store_true", help="end the key of this name instead")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if options["revoke"]:
            self._revoke(name, options)
            return
        if not name or len(name) > 80:
            raise CommandError("a key needs a name of 1 to 80 characters")
        if ApiToken.objects.filter(name=name).exists():
            raise CommandError(f"there is a key {name!r} already; choose another name, or revoke it with --revoke")
        token, key = ApiToken.issue(name=name, scopes=[options["scope"]])
        self.answer(options, {"id": token.pk, "name": name, "scope": options["scope"], "key": key}, key)

    def _revoke(self, name: str, options: dict[str, Any]) -> None:
        done = ApiToken.objects.filter(name=name, revoked_at__isnull=True).update(revoked_at=timezone.now())
        if not done:
            raise CommandError(f"there is no key {name!r} that could be revoked")
        self.answer(options, {"name": name, "revoked": True}, f"The key {name} does not work any more.")
