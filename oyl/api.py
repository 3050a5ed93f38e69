"""The routes of `/api/v1/`."""

from rest_framework.routers import SimpleRouter

from knowledge.api import DocumentViewSet

router = SimpleRouter()
router.register("documents", DocumentViewSet, basename="document")
urlpatterns = router.urls
