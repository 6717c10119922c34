from django.apps import AppConfig


class EngineConfig(AppConfig):
    name = "inventory_sync.engine"
    label = "engine"
    verbose_name = "Engine"
