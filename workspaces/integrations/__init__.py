"""The forms of the integrations' configurations, by type: JSON Schemas, in which `writeOnly` marks secrets. Other types take
any JSON until there is something that uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workspaces.integrations import chat_model, web_service

FORMS: Mapping[str, Mapping[str, Any]] = {"chat_model": chat_model.FORM, "webhook": web_service.FORM}
