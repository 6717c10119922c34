"""Keys for internal tools."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ReadOnlyAdmin

# The API and the back-office stand side by side: neither imports the other, so the model comes from Django's registry.
ApiToken: Any = apps.get_model("api", "ApiToken")
IdempotencyRecord: Any = apps.get_model("api", "IdempotencyRecord")


class TokenForm(forms.Form):
    name = forms.CharField(
        label="Name", max_length=80, widget=UnfoldAdminTextInputWidget(), help_text="Which tool uses it."
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=ApiToken.Scope.choices,
        initial=[ApiToken.Scope.READ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if ApiToken.objects.filter(name=name).exists():
            raise forms.ValidationError("There is a token of this name already.")
        return name


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """A key is shown once, when it is made; only its last four characters are kept in sight."""

    list_display = ("name", "ends_in", "may", "state", "made", "last_used")
    search_fields = ("name",)
    fields = list_display
    readonly_fields = fields
    actions = ("revoke_selected",)
    actions_list = ("issue",)

    @display(description="Key")
    def ends_in(self, obj: Any) -> str:
        return f"…{obj.hint}"

    @display(description="May")
    def may(self, obj: Any) -> str:
        names = dict(ApiToken.Scope.choices)
        return ", ".join(names.get(scope, scope) for scope in obj.scopes)

    @display(description="State", label={"In use": "success", "Revoked": "danger"})
    def state(self, obj: Any) -> str:
        return "Revoked" if obj.revoked_at else "In use"

    @display(description="Made", ordering="created_at")
    def made(self, obj: Any) -> Any:
        return words.stamp(obj.created_at)

    @display(description="Last used", ordering="last_used_at")
    def last_used(self, obj: Any) -> Any:
        return words.stamp(obj.last_used_at)

    def has_issue_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "add")

    def has_revoke_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change")

    @action(description="Make a token", url_path="issue", permissions=["issue"], icon="key", variant="primary")
    def issue(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            token, key = ApiToken.issue(name=form.cleaned_data["name"], scopes=form.cleaned_data["scopes"])
            self.log_addition(request, token, "Made")
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"Token {token.name}",
                "key": key,
                "back": self.list_page(),
            }
            return TemplateResponse(request, "backoffice/key_shown.html", context)
        return self.ask(
            request,
            title="Make a token",
            submit="Make the token",
            form=form,
            back=self.list_page(),
            lines=["The key is shown once, on the next page. Keep it where the tool can read it and nobody else can."],
        )

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: Any) -> None:
        number = queryset.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
        self.message_user(request, f"{words.count(number, 'token')} revoked.", messages.SUCCESS)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    """Answers that the API keeps, so that a repeated request is answered and not done again."""

    list_display = ("when", "token", "key", "status")
    list_filter = (("token", RelatedDropdownFilter), "status", ("created_at", RangeDateTimeFilter))
    list_select_related = ("token",)
    search_fields = ("key",)
    ordering = ("-id",)
    fields = readonly_fields = ("when", "token", "key", "status", "answer")

    @display(description="When", ordering="created_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.created_at)
