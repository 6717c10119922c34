"""Changes of what listings say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from inventory_sync.api.strict import AccountField, SkuField, StrictSerializer
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.listing_changes import MOST_WISHES

MOST_IDS = 500


class RupeesField(serializers.DecimalField):
    """An amount in rupees, with two decimals at most."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=10, decimal_places=2, min_value=Decimal("0.01"), **options)


class FieldProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(
        help_text="The field it is about, such as price.selling_price; empty: the whole listing."
    )
    message = serializers.CharField()
    code = serializers.CharField()
    blocks = serializers.BooleanField(help_text="false: a note that stops nothing.")
    attribute = serializers.CharField(help_text="The channel's own name for the field, if it gave one.")


class FieldChangeSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    before = serializers.JSONField(help_text="On the channel now; null: not said.")
    after = serializers.JSONField(help_text="Would be; null: not said any more.")


class ListingChangeSerializer(serializers.ModelSerializer[ListingChange]):
    """One change: proposed as a difference, approved, sent once."""

    account = serializers.IntegerField(source="account_id")
    account_name = serializers.CharField(source="account.name")
    sku = SkuField(read_only=True)
    listing = serializers.IntegerField(source="listing_id", allow_null=True)
    diff = FieldChangeSerializer(many=True)
    problems = FieldProblemSerializer(many=True, help_text="What we have against it, before it is sent.")
    results = FieldProblemSerializer(many=True, help_text="What the channel said of it.")

    class Meta:
        model = ListingChange
        fields = (
            "id", "what", "state", "account", "account_name", "sku", "listing", "seller_sku", "product_id", "price", "mrp", "diff", "problems",
            "results", "note", "proposed_at", "proposed_via", "decided_at", "decided_via", "sent_at", "settled_at", "confirmed_at",
        )  # fmt: skip


class WishSerializer(StrictSerializer):
    """One SKU. Without price or MRP: as the listing says, else as the SKU does."""

    sku = SkuField()
    listing = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**62,
        help_text="Id of the listing; needed where the SKU has several on the account.",
    )
    seller_sku = serializers.CharField(
        required=False, max_length=120, help_text="Of a new listing; else it is the SKU's code."
    )
    product_id = serializers.CharField(required=False, max_length=40, help_text="The FSN of a new listing.")
    price = RupeesField(required=False, help_text="Rupees.")
    mrp = RupeesField(required=False, help_text="Rupees.")


class PrepareSerializer(StrictSerializer):
    """What to change, where, of which SKUs."""

    account = AccountField(help_text="Id or name of a seller account.")
    what = serializers.ChoiceField(
        choices=[choice for choice, _ in ListingChange._meta.get_field("what").choices or ()]
    )
    items = WishSerializer(many=True, allow_empty=False, max_length=MOST_WISHES)  # type: ignore[call-arg]


class PreparedSerializer(serializers.Serializer[Any]):
    """What waits for approval now, and what was not prepared, with the reason."""

    changes = ListingChangeSerializer(many=True)
    skipped = serializers.ListField(child=serializers.CharField())


class IdsSerializer(StrictSerializer):
    """Which changes."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**62), allow_empty=False, max_length=MOST_IDS
    )


class RejectSerializer(IdsSerializer):
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=300)


class DecidedSerializer(serializers.Serializer[Any]):
    """The changes that are decided, and why others are not."""

    changes = ListingChangeSerializer(many=True)
    refused = serializers.ListField(child=serializers.CharField())
