"""What a report of an error may show: Django's own shows every form's fields and every variable."""

from __future__ import annotations

import re
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class ExceptionFilter(SafeExceptionReporterFilter):
    """Names, but no values: of what was sent, of variables, and of settings that are addresses (which may have a
    password in them)."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|URL|DATABASES", re.IGNORECASE
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """With DEBUG, too."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return dict.fromkeys(request.POST if request else (), self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]
