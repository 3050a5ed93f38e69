"""The web application. It refuses to start with a database role that could bypass the isolation of tenants."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")
django_application = get_asgi_application()

from core.isolation.scope import refuse_unsafe_role  # noqa: E402
from oyl.admission import AdmissionMiddleware  # noqa: E402 (the apps are loaded above)

refuse_unsafe_role()
application = AdmissionMiddleware(django_application)
