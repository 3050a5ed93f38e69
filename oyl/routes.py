"""The routes of `/api/v1/` and `/v1/`, collected from all apps."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string
from rest_framework.routers import SimpleRouter

from core.api.views import TenantViewSet
from core.apps import oyl_apps

ROUTES: dict[str, type[TenantViewSet]] = {
    name: view
    for config in oyl_apps()
    if config.routes
    for name, view in import_string(config.routes).items()
}
for config in oyl_apps():
    for name, mixin in (import_string(config.actions) if config.actions else {}).items():
        view = ROUTES[name]
        ROUTES[name] = type(view.__name__, (mixin, view), {"__doc__": view.__doc__})
OPENAI_URLS: list[Any] = [
    pattern for config in oyl_apps() if config.openai_urls for pattern in import_string(config.openai_urls)
]
router = SimpleRouter()
for name, view in ROUTES.items():
    router.register(name, view, basename=name)
urlpatterns = router.urls
