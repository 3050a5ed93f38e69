"""The web application. It refuses to start with a database role that could bypass the isolation of tenants."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")
django.setup(set_prefix=False)

from core.connections import give_back_connections  # noqa: E402 (the apps are loaded above)
from core.isolation.scope import refuse_unsafe_role  # noqa: E402
from oyl.access_log import AccessLogMiddleware  # noqa: E402
from oyl.admission import AdmissionMiddleware  # noqa: E402
from oyl.cors import CorsMiddleware  # noqa: E402
from oyl.disconnects import DisconnectMiddleware  # noqa: E402
from oyl.handler import Handler  # noqa: E402

refuse_unsafe_role()
give_back_connections()
application = AccessLogMiddleware(CorsMiddleware(AdmissionMiddleware(DisconnectMiddleware(Handler()))))
