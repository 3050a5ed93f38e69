from django.apps import AppConfig


class OylConfig(AppConfig):
    name = "oyl"
    verbose_name = "OYL"
