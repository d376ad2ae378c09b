from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "meterhouse.live"
    label = "live"
