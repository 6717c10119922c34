"""Serializers that refuse what they do not know, and the fields that all of them use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from inventory_sync.stock.models import Warehouse
from skumap.models import ChannelAccount, Sku

MAX_UNITS = 10_000_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class Strict:
    """Mixed into a serializer: unknown fields, and fields that can't be set, are errors that name them."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        problems: dict[str, Any] = {}
        if isinstance(data, Mapping):
            for name in data:
                field = self.fields.get(str(name))
                if field is None:
                    problems[str(name)] = [f"There is no such field. Known: {', '.join(self._settable())}."]
                elif field.read_only:
                    problems[str(name)] = ["This field can't be set."]
        try:
            value = super().to_internal_value(data)  # type: ignore[misc]
        except ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            raise ValidationError({**problems, **error.detail}) from error
        if problems:
            raise ValidationError(problems)
        return value

    def _settable(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.read_only]


class StrictSerializer(Strict, serializers.Serializer[Any]):
    """A plain serializer, strict."""


class StrictModelSerializer(Strict, serializers.ModelSerializer[Any]):
    """A model serializer, strict."""


class Empty(StrictSerializer):
    """A request without a body."""


class InstantField(serializers.DateTimeField):
    """ISO 8601 with an offset; without one it is Indian time. Between the years 2000 and 2100."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            moment = super().to_internal_value(value)
            fits = EARLIEST <= moment <= LATEST
        except (OverflowError, ValueError):
            fits = False
        if not fits:
            raise ValidationError("Between the years 2000 and 2100, please.")
        return moment


class UnitsField(serializers.IntegerField):
    """A whole number of units."""

    def __init__(self, *, min_value: int = 1, **options: Any) -> None:
        super().__init__(min_value=min_value, max_value=MAX_UNITS, **options)


class ByCode(serializers.SlugRelatedField[Any]):
    """Another row by the code that people use for it."""

    default_error_messages = {
        "does_not_exist": "There is no {slug_name} {value!r}.",
        "invalid": "Give its code as text.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, str | int):
            self.fail("invalid")
        if "\x00" in str(data):
            self.fail("invalid")
        return super().to_internal_value(str(data))


@extend_schema_field(OpenApiTypes.STR)
class SkuField(ByCode):
    """A SKU by its code."""

    def __init__(self, **options: Any) -> None:
        if not options.get("read_only"):
            options.setdefault("queryset", Sku.objects.all())
        super().__init__(slug_field="code", **options)


@extend_schema_field(OpenApiTypes.STR)
class WarehouseField(ByCode):
    """A warehouse by its code."""

    def __init__(self, **options: Any) -> None:
        if not options.get("read_only"):
            options.setdefault("queryset", Warehouse.objects.all())
        super().__init__(slug_field="code", **options)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class AccountField(serializers.RelatedField[Any, Any, Any]):
    """A seller account: written by its id or its name, read as its id."""

    default_error_messages = {"does_not_exist": "There is no such account; give its id or its name."}

    def __init__(self, **options: Any) -> None:
        super().__init__(queryset=ChannelAccount.objects.all(), **options)

    def use_pk_only_optimization(self) -> bool:
        return True

    def to_internal_value(self, data: Any) -> ChannelAccount:
        found = None if isinstance(data, bool) or not isinstance(data, str | int) else find_account(str(data))
        if found is None:
            self.fail("does_not_exist")
        return found

    def to_representation(self, value: Any) -> int:
        return int(value.pk)


def find_account(text: str, *, within: QuerySet[ChannelAccount] | None = None) -> ChannelAccount | None:
    """An account by its id or by its name; a name of digits only is found by its name first."""
    rows = ChannelAccount.objects.all() if within is None else within
    if "\x00" in text:
        return None
    named = rows.filter(name=text).first()
    if named is not None or not (text.isascii() and text.isdigit() and len(text) < 19):
        return named
    return rows.filter(pk=int(text)).first()
