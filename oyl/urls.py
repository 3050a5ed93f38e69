"""All URLs."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from oyl import health, joining, oidc
from oyl.forgotten import forgotten_password
from oyl.mcp.view import McpView
from oyl.openapi import DocsView, SchemaView
from oyl.routes import OPENAI_URLS
from oyl.second_factor import second_factor
from workflows.api.triggers import HookView

admin.autodiscover()
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/forgotten-password/", forgotten_password, name="admin_password_reset"),
    path("admin/second-factor/", second_factor, name="second_factor"),
    path("admin/oidc/", oidc.begin_sign_on, name="oidc"),
    path("admin/oidc/callback/", oidc.callback, name="oidc_callback"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("oyl.routes")),
    path("api/v1/hooks/<uuid:tenant>/<uuid:trigger>/<str:token>/", HookView.as_view(), name="hook"),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("v1/", include(OPENAI_URLS)),
    re_path(r"^mcp/?$", McpView.as_view(), name="mcp"),
    path("join/", joining.join, name="join"),
    path("join/<str:token>/", joining.open_link, name="open_invitation"),
    path("set-password/<uidb64>/<token>/", joining.SetPasswordView.as_view(), name="set_password"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
handler400 = "oyl.error_handlers.bad_request"
handler404 = "oyl.error_handlers.not_found"
handler500 = "oyl.error_handlers.server_error"
