from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "meterhouse.inventory"
    label = "inventory"
