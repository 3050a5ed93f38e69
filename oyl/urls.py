"""Every address that OYL answers to."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from oyl import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("oyl.api")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
