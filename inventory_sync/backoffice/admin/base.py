"""What every admin class here shares: read-only histories, confirmation pages, people's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import DropdownFilter


class Labelled:
    """Fields named as staff name them: ``labels`` maps a field to what stands in front of it."""

    labels: Mapping[str, str] = {}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and db_field.name in self.labels:
            field.label = self.labels[db_field.name]
        return field


class StaffAdmin(Labelled, ModelAdmin):
    """Lists of fifty rows; forms that warn before unsaved changes are lost."""

    list_per_page = 50
    show_full_result_count = False
    warn_unsaved_form = True
    list_filter_submit = False
    compressed_fields = True

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Two buttons are enough: save, and save and stay."""
        return super().changeform_view(
            request, object_id, form_url, {"show_save_and_add_another": False, **(extra_context or {})}
        )

    def allows(self, request: HttpRequest, permission: str) -> bool:
        """Whether the user has ``verb`` on this model, such as ``change``."""
        return request.user.has_perm(f"{self.opts.app_label}.{permission}_{self.opts.model_name}")

    def has_change_stock_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may move stock: a movement is what every tool appends. (Unfold looks named permissions up in the database.)"""
        return request.user.has_perm("stock.add_stockmovement")

    def object_of(self, request: HttpRequest, object_id: str | int) -> Any:
        """The object that a tool is for. :raises Http404: there is none."""
        return get_object_or_404(self.get_queryset(request), pk=object_id)

    def page_of(self, obj: Model) -> str:
        """The address of an object's own page."""
        return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])

    def list_page(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def ask(
        self,
        request: HttpRequest,
        *,
        title: str,
        submit: str,
        back: str,
        form: BaseForm | None = None,
        lines: Sequence[str] = (),
        warnings: Sequence[str] = (),
        danger: bool = False,
    ) -> HttpResponse:
        """A page that says what will happen and asks for what is needed, with one button; nothing changes before it is pressed."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "model_admin": self,
            "title": title,
            "subtitle": None,
            "submit_label": submit,
            "back": back,
            "form": form,
            "lines": lines,
            "warnings": warnings,
            "danger": danger,
            "media": self.media + form.media if form is not None else self.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "backoffice/form_page.html", context)

    def done(self, request: HttpRequest, message: str, *, to: str, level: int = messages.SUCCESS) -> HttpResponse:
        self.message_user(request, message, level)
        return HttpResponseRedirect(to)


class ReadOnlyAdmin(StaffAdmin):
    """History and what the engine writes: to be read. A correction is a new entry."""

    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StaffInline(Labelled, TabularInline):
    """Rows of another table on an object's page, to be changed with it."""

    extra = 0
    hide_title = True


class ReadOnlyInline(TabularInline):
    """Rows of another table on an object's page, to be read."""

    extra = 0
    can_delete = False
    hide_title = True
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ChoiceFilter(DropdownFilter):
    """A filter by named conditions. Subclasses say ``title``, ``parameter_name``, ``options`` and :meth:`narrow`."""

    options: Sequence[tuple[str, str]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return self.options

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        return self.narrow(queryset, value) if value in dict(self.options) else queryset

    def narrow(self, queryset: Any, value: str) -> Any:
        raise TypeError(f"{type(self).__name__} does not say what {value!r} means")


def link(obj: Model | None, text: str = "") -> str | SafeString:
    """A link to an object's page."""
    if obj is None:
        return "—"
    address = reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])
    return format_html('<a href="{}" class="text-link">{}</a>', address, text or str(obj))
