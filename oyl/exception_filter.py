"""Limits what an error report shows: Django's own shows the fields of every form and every variable."""

from __future__ import annotations

import re
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class ExceptionFilter(SafeExceptionReporterFilter):
    """Shows the names, but no values, of form fields, of variables, and of settings that are URLs (which may contain a
    password)."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|URL|DATABASES", re.IGNORECASE
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """Also with DEBUG."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return dict.fromkeys(request.POST if request else (), self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]
