from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "inventory_sync.alerts"
    label = "alerts"
    verbose_name = "Alerts"
