"""Compressed answers of the API: decision 45."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.middleware.gzip import GZipMiddleware

from core.requests import API_PREFIXES

JSON = re.compile(r"application/([\w.+-]+\+)?json\b")
# A shorter answer is one packet of the network in any case.
LEAST_BYTES = 1_000


class ApiCompressionMiddleware(GZipMiddleware):
    """Compresses JSON of the API for clients that accept it, unless the request has cookies, with which a page of somebody
    else could ask. Streams, files, and answers with `no-transform` are sent as they are."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        is_answer = request.path_info.startswith(API_PREFIXES) and not request.COOKIES
        if not is_answer or response.streaming or len(response.content) < LEAST_BYTES:
            return response
        may_be = "no-transform" not in response.get("Cache-Control", "")
        if may_be and JSON.match(response.get("Content-Type", "")):
            return super().process_response(request, response)
        return response
