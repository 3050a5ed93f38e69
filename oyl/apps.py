from django.apps import AppConfig
from django.contrib.admin import apps as admin


class OylConfig(AppConfig):
    name = "oyl"
    verbose_name = "OYL"
    default = True


class OylAdminConfig(admin.AdminConfig):
    """Django's admin on OYL's own site."""

    default = False
    default_site = "oyl.site.OylAdminSite"
