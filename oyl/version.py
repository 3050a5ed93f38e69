"""The one place of OYL's version: what `manage.py version`, /healthz, the OpenAPI document and the admin's foot show."""

VERSION = "0.1.0"
