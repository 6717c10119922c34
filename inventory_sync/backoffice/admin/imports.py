"""Imports: upload a file, see what it would do, match its columns, import it; and exports of the same."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import imports, words
from inventory_sync.backoffice.admin.base import ReadOnlyAdmin, StaffAdmin
from inventory_sync.backoffice.forms import UploadForm
from inventory_sync.backoffice.uploads import StoringHandler
from inventory_sync.engine.import_files import pieces
from inventory_sync.engine.import_runs import (
    RunError,
    confirm,
    look_at,
    match_columns,
    remembered,
    same_file,
    start_again,
)
from inventory_sync.engine.models import ColumnMapping, ImportChunk, ImportRun
from skumap.importer import FORMATS, FileError, Limits
from skumap.imports.exports import export_lines
from skumap.models import ChannelAccount

State = ImportRun.State
RECENT = 5
EXPORTS = {"skus": "skumap.view_sku", "kits": "skumap.view_kitcomponent", "mapping": "skumap.view_listing"}


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    """Every file that was uploaded: who, when, and what it did."""

    list_display = ("when", "file", "who", "kind", "what", "how")
    list_display_links = ("file",)
    list_filter = (("account", RelatedDropdownFilter), "state", ("created_at", RangeDateTimeFilter))
    list_select_related = ("uploaded_by", "imported_by", "account")
    search_fields = ("file_name", "uploaded_by__username")
    search_help_text = "File name or who"
    ordering = ("-id",)
    actions_list = ("go_upload",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).exclude(state=State.UPLOADING).select_related(*self.list_select_related)

    @display(description="When", ordering="created_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.created_at)

    @display(description="File", ordering="file_name")
    def file(self, obj: Any) -> Any:
        return format_html('<span class="isync-name">{}</span>', obj.file_name)

    @display(description="By")
    def who(self, obj: Any) -> str:
        return str(obj.imported_by or obj.uploaded_by or words.NOTHING)

    @display(description="Kind of file")
    def kind(self, obj: Any) -> str:
        key = (obj.report or obj.preview or {}).get("format") or obj.format
        return dict(imports.FORMAT_CHOICES).get(key, key) if key != imports.AUTO else words.NOTHING

    @display(description="What it did")
    def what(self, obj: Any) -> str:
        return imports.summary(obj)

    @display(
        description="State",
        ordering="state",
        label={
            State.DONE.label: "success",
            State.FAILED.label: "danger",
            State.STOPPED.label: "danger",
            State.COLUMNS.label: "warning",
            State.PREVIEWED.label: "warning",
        },
    )
    def how(self, obj: Any) -> str:
        return str(obj.get_state_display())

    @action(
        description="Import a file", url_path="go-upload", permissions=["import"], icon="upload_file", variant="primary"
    )
    def go_upload(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:engine_importrun_upload"))

    def has_import_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "add")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            # The token is checked inside, when it is known where the file goes: reading the form is what takes the file in.
            path("upload/", wrap(csrf_exempt(self.upload_page)), name="engine_importrun_upload"),
            path("export/<str:kind>.csv", wrap(self.export_file), name="engine_importrun_export"),
            path("<int:run_id>/columns/", wrap(self.columns_page), name="engine_importrun_columns"),
            path("<int:run_id>/answer/", wrap(require_POST(self.answer)), name="engine_importrun_answer"),
            path("<int:run_id>/progress/", wrap(self.progress), name="engine_importrun_progress"),
            path("<int:run_id>/errors.csv", wrap(self.errors_file), name="engine_importrun_errors"),
            *super().get_urls(),
        ]

    # --- upload -------------------------------------------------------------------------------------------------------------

    def upload_page(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_import_permission(request):
            raise PermissionDenied
        handler = StoringHandler(request, now=timezone.now())
        if request.method == "POST":
            request.upload_handlers = [handler]
        try:
            return self._upload(request, handler)
        finally:
            handler.drop()

    @method_decorator(csrf_protect)
    def _upload(self, request: HttpRequest, handler: StoringHandler) -> HttpResponseBase:
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if form.is_bound and handler.error:
            form.add_error("file", handler.error)
        elif form.is_valid():
            asked, account = form.cleaned_data, form.cleaned_data["account"]
            run = look_at(
                run_id=asked["file"].run.pk, format=asked["format"], account_id=account.pk if account else None
            )
            handler.keep()
            return HttpResponseRedirect(self.page_of(run))
        recent = [(run, imports.summary(run)) for run in self.get_queryset(request)[:RECENT]]
        return self._page(
            request, "backoffice/import_upload.html", title="Import a file", form=form, recent=recent,
            most_bytes=Limits().max_bytes, exports=self._exports(request), accounts=self._accounts(),
        )  # fmt: skip

    # --- one run ------------------------------------------------------------------------------------------------------------

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """A run's own page: progress, preview or report."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404("There is no such import.")
        run = self.object_of(request, object_id)
        shown = run.report or (run.preview if run.state != State.COLUMNS else None)
        return self._page(
            request, "backoffice/import_run.html", title=run.file_name, run=run, may=self.has_import_permission(request),
            progress=imports.progress_of(run, now=timezone.now()), outcome=imports.outcome_of(shown) if shown else None,
            size=imports.size_words(run.size), twin=None if run.report else same_file(run),
            known=None if run.columns or run.report or not shown else remembered(run), formats=imports.FORMAT_CHOICES,
            accounts=self._accounts(), by_handle=run.columns.get("code", "") if run.columns else "",
            took=words.duration((run.ended_at - run.started_at).total_seconds()) if run.ended_at and run.started_at else "",
        )  # fmt: skip

    def progress(self, request: HttpRequest, run_id: int) -> JsonResponse:
        """How far it is; asked for every second."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = imports.progress_of(self.object_of(request, run_id), now=timezone.now())
        return JsonResponse({"busy": found.busy, "percent": found.percent, "text": found.text})

    def answer(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Import it, start it again, or look again in another way."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        run, said = self.object_of(request, run_id), request.POST.get("answer", "")
        try:
            if said == "import":
                confirm(run_id=run.pk, user=request.user, now=timezone.now())
            elif said == "again":
                start_again(run_id=run.pk)
            elif said == "handle":
                handle = (run.preview or {}).get("columns", {}).get("handle", "Handle")
                look_at(run_id=run.pk, format="shopify", account_id=run.account_id, columns={"code": handle})
            elif said == "look":
                look_at(run_id=run.pk, format=self._format(request), account_id=self._account(request))
            else:
                return HttpResponse("That is not an answer.", status=400)
        except RunError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(self.page_of(run))

    def errors_file(self, request: HttpRequest, run_id: int) -> StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self.object_of(request, run_id)
        if not run.chunks.filter(part=ImportChunk.Part.ERRORS).exists():
            raise Http404("The list of refused rows is not kept any more.")
        return _download(pieces(run=run, part=ImportChunk.Part.ERRORS), f"errors in {PurePath(run.file_name).stem}.csv")

    # --- columns ------------------------------------------------------------------------------------------------------------

    def columns_page(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Which of the file's columns is which of our fields."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        run = self.object_of(request, run_id)
        key = request.POST.get("format") or request.GET.get("format") or self._likely(run)
        if key not in FORMATS:
            raise Http404("There is no such format.")
        chosen = None
        if request.method == "POST":
            chosen = {name: request.POST.get(f"column-{name}", "") for name in FORMATS[key].columns}
            try:
                match_columns(
                    run_id=run.pk, format=key, account_id=self._account(request), columns=chosen, user=request.user
                )
            except (FileError, RunError) as error:
                messages.error(request, str(error))
            else:
                return HttpResponseRedirect(self.page_of(run))
        elif run.preview and run.preview["format"] == key:
            chosen = run.preview["columns"]
        return self._page(
            request, "backoffice/import_columns.html", title="Match columns", run=run, format=key,
            formats=imports.formats_to_match(run), fields=imports.fields_of(run, key=key, chosen=chosen),
            columns=imports.columns_of(run), accounts=self._accounts(), one_of=FORMATS[key].one_of, back=self.page_of(run),
            account=self._account(request) if request.method == "POST" else run.account_id,
        )  # fmt: skip

    @staticmethod
    def _likely(run: ImportRun) -> str:
        if run.preview:
            return str(run.preview["format"])
        return run.format if run.format in FORMATS else "skus"

    # --- exports ------------------------------------------------------------------------------------------------------------

    def export_file(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        if kind not in EXPORTS:
            raise Http404("There is no such export.")
        if not request.user.has_perm(EXPORTS[kind]):
            raise PermissionDenied
        account_id = self._account(request)
        lines = (line.encode() for line in export_lines(kind, account_id=account_id))
        account = ChannelAccount.objects.get(pk=account_id) if account_id and kind == "mapping" else None
        name = f"{kind} {account}" if account else kind
        return _download(lines, f"{name} {timezone.localdate():%Y-%m-%d}.csv")

    @staticmethod
    def _exports(request: HttpRequest) -> list[str]:
        return [kind for kind, permission in EXPORTS.items() if request.user.has_perm(permission)]

    # --- what they share ----------------------------------------------------------------------------------------------------

    @staticmethod
    def _accounts() -> Any:
        return ChannelAccount.objects.defer("credentials").order_by("channel", "name")

    @staticmethod
    def _account(request: HttpRequest) -> int | None:
        """The account that was chosen, if there is such a one."""
        asked = request.POST.get("account", "") or request.GET.get("account", "")
        found = ChannelAccount.objects.filter(pk=int(asked)).first() if asked.isdecimal() else None
        return found.pk if found else None

    @staticmethod
    def _format(request: HttpRequest) -> str:
        asked = request.POST.get("format", "")
        return asked if asked in FORMATS else imports.AUTO

    def _page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "subtitle": None}
        return TemplateResponse(request, template, {**shared, **context})


def _download(parts: Any, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@admin.register(ColumnMapping)
class ColumnMappingAdmin(StaffAdmin):
    """Which column is which field, as somebody matched them. Delete one, and the next file with these headings is asked about again."""

    list_display = ("kind", "account", "which", "since", "updated_by")
    list_select_related = ("account", "updated_by")
    fields = readonly_fields = ("kind", "account", "which", "since", "updated_by")

    @display(description="Kind of file", ordering="format")
    def kind(self, obj: Any) -> str:
        return FORMATS[obj.format].title if obj.format in FORMATS else obj.format

    @display(description="Columns")
    def which(self, obj: Any) -> str:
        told = partial(imports.field_words, obj.format)
        return ", ".join(f"{told(name)}: {theirs}" for name, theirs in obj.columns.items() if theirs)

    @display(description="Matched", ordering="updated_at")
    def since(self, obj: Any) -> Any:
        return words.stamp(obj.updated_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
