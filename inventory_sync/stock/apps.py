from django.apps import AppConfig


class StockConfig(AppConfig):
    name = "inventory_sync.stock"
    label = "stock"
    verbose_name = "Stock"
