"""The headers that tell browsers what a response may do, and that no cache may keep it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

# Alpine, of which the admin's theme is made, compiles the expressions in its attributes: decision 25.
PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "frame-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# For what is no page: JSON, texts, files and streams. A browser that shows one runs and loads nothing.
DATA_POLICY = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
UNUSED_FEATURES = (
    *("accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "hid"),
    *("magnetometer", "microphone", "midi", "payment", "serial", "usb"),
)
PERMISSIONS = ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES)


HEADERS = {
    "Permissions-Policy": PERMISSIONS,
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
# Of answers that the server gives without the application, in the syntax of HTTP.
RAW_HEADERS = "".join(
    f"{name.lower()}: {value}\r\n"
    for name, value in {"Content-Security-Policy": DATA_POLICY, **HEADERS}.items()
)
R = TypeVar("R", bound=HttpResponseBase)


def with_headers(response: R) -> R:
    """Views and Django's middleware that set one of these headers themselves keep it."""
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


class ResponseHeadersMiddleware:
    """The first of Django's middleware, so that it sees the answers of all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return with_headers(self.get_response(request))
