"""Placeholder field until the cipher lands."""

from django.db import models


class EncryptedJSONField(models.JSONField):
    pass
