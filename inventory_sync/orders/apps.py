from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "inventory_sync.orders"
    label = "orders"
    verbose_name = "Orders"
