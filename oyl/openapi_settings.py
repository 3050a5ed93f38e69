"""The head of the OpenAPI document, and how it is made."""

from __future__ import annotations

from typing import Any

from oyl.enum_names import ENUM_NAMES
from oyl.version import VERSION

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "OYL",
    "VERSION": VERSION,
    "DESCRIPTION": "Everything that OYL can do, for programmes. `docs/api.md` says how to begin.",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "CONTACT": {"name": "The operator of this installation"},
    "SERVERS": [{"url": "/", "description": "This installation"}],
    "AUTHENTICATION_WHITELIST": [
        "core.api.views.KeyAuthentication"
    ],  # a session is for the admin's own pages
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": ENUM_NAMES,
    "PREPROCESSING_HOOKS": ["oyl.openapi.only_routes"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "oyl.openapi.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none", "persistAuthorization": False},
}
