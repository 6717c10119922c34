"""Which admin site the back-office runs on."""

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    default_site = "inventory_sync.backoffice.site.BackofficeSite"
