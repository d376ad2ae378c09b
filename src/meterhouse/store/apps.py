from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "meterhouse.store"
    label = "store"
