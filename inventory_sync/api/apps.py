"""The REST API as a Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "inventory_sync.api"
    label = "api"
    verbose_name = "API"
