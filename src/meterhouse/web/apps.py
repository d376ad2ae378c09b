from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "meterhouse.web"
    label = "web"
