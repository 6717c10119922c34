"""Which admin site the back-office runs on, and what is checked at the start."""

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    default_site = "inventory_sync.backoffice.site.BackofficeSite"

    def ready(self) -> None:
        super().ready()
        from inventory_sync.config import checks  # noqa: F401 - registers the system checks
