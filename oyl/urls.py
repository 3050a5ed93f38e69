"""Every address that OYL answers to."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from oyl import health
from oyl.openapi import DocsView, SchemaView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("oyl.api")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("v1/", include("oyl.openai")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
handler400 = "oyl.failures.bad_request"
handler404 = "oyl.failures.not_found"
handler500 = "oyl.failures.server_error"
