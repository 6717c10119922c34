"""Write the beat schedule into the database, where the admin shows it. Safe to repeat; run at every start of beat."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

# (task, seconds, queue): the sweep finds everything that is due; the rest is housekeeping.
SCHEDULE = (
    ("sweep", settings.TICK_SECONDS, "inbound"),
    ("keep_house", max(60.0 / settings.CLOCK_FACTOR, 5.0), "bulk"),
    ("count_calls", max(60.0 / settings.CLOCK_FACTOR, 10.0), "bulk"),
    ("match_listings", max(3600.0 / settings.CLOCK_FACTOR, 60.0), "bulk"),
)

# (task, minute, hour in India, queue): rates of tax change at midnight there; the other hours catch up on a night that was missed.
BY_THE_CLOCK = (("check_rates", "1", "*", "bulk"), ("audit_links", "30", "2", "bulk"))
INDIA = "Asia/Kolkata"


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        names = []
        for task, seconds, queue in SCHEDULE:
            every, period = (
                (int(seconds), IntervalSchedule.SECONDS)
                if seconds >= 1 and math.isclose(seconds, int(seconds))
                else (int(seconds * 1_000_000), IntervalSchedule.MICROSECONDS)
            )
            interval, _ = IntervalSchedule.objects.get_or_create(every=every, period=period)
            name = f"inventory_sync: {task.replace('_', ' ')}"
            names.append(name)
            PeriodicTask.objects.update_or_create(
                name=name,
                defaults={
                    "task": f"inventory_sync.engine.tasks.{task}",
                    "interval": interval,
                    "crontab": None,
                    "queue": queue,
                    "expires": None,
                    "expire_seconds": max(int(seconds * 2), 5),
                },
            )
        names += [self._by_the_clock(*entry) for entry in BY_THE_CLOCK]
        PeriodicTask.objects.filter(name__startswith="inventory_sync: ").exclude(name__in=names).delete()
        self.stdout.write(f"{len(names)} tasks scheduled, the sweep every {settings.TICK_SECONDS:g} s")

    @staticmethod
    def _by_the_clock(task: str, minute: str, hour: str, queue: str) -> str:
        crontab, _ = CrontabSchedule.objects.get_or_create(
            minute=minute, hour=hour, day_of_week="*", day_of_month="*", month_of_year="*", timezone=INDIA
        )
        name = f"inventory_sync: {task.replace('_', ' ')}"
        PeriodicTask.objects.update_or_create(
            name=name,
            defaults={
                "task": f"inventory_sync.engine.tasks.{task}",
                "interval": None,
                "crontab": crontab,
                "queue": queue,
                "expires": None,
                "expire_seconds": 3_600,
            },
        )
        return name
