"""OYL's version, as shown by `manage.py version`, /healthz, the OpenAPI document and the admin's footer."""

VERSION = "0.1.0"
