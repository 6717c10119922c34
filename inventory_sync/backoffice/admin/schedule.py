"""What the beat starts, and how often."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.decorators import display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import StaffAdmin

for _model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(StaffAdmin):
    """Tasks carry nothing: each looks what is due. Switching one off stops that part of the work."""

    list_display = ("name", "enabled", "how_often", "last_run", "total_run_count")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab", "solar", "clocked")
    search_fields = ("name", "task")
    fields = ("name", "task", "enabled", "interval", "crontab", "queue", "description", "last_run", "total_run_count")
    readonly_fields = ("last_run", "total_run_count")

    @display(description="How often")
    def how_often(self, obj: Any) -> str:
        return str(obj.scheduler)

    @display(description="Last run", ordering="last_run_at")
    def last_run(self, obj: Any) -> Any:
        return words.stamp(obj.last_run_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Switch it off instead: a deleted one does not come back by itself."""
        return False


@admin.register(IntervalSchedule)
class IntervalAdmin(StaffAdmin):
    list_display = ("every", "period")


@admin.register(CrontabSchedule)
class CrontabAdmin(StaffAdmin):
    list_display = ("human_readable", "timezone")
    fields = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year", "timezone")
