"""Requests to a model's endpoint that the operator has configured."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx  # noqa: TID251 (the address is the operator's)

from core.errors import EngineError

CONNECT_SECONDS = 5
RETRYABLE_STATUSES = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
MAX_MESSAGE_CHARACTERS = 300


class ModelEndpoint:
    """Raises errors of the class `error`: with the code `unavailable` where a retry helps, with `refused` elsewhere."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        seconds: float,
        error: type[EngineError],
        unavailable: str,
        refused: str,
    ) -> None:
        self._url, self._key = url, api_key
        self._unavailable, self.refused = partial(error, unavailable), partial(error, refused)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS), headers=headers)

    def post(self, body: dict[str, Any]) -> Any:
        """Return the response's JSON."""
        try:
            response = self._client.post(self._url, json=body)
        except httpx.HTTPError as error:
            raise self._unavailable(f"{self._url} did not answer: {type(error).__name__}.") from error
        if response.status_code in RETRYABLE_STATUSES or response.is_server_error:
            raise self._unavailable(self._error_detail(response))
        if not response.is_success:
            raise self.refused(self._error_detail(response))
        try:
            return response.json()
        except ValueError as error:
            raise self.refused(f"{self._url} does not answer with JSON.") from error

    def _error_detail(self, response: httpx.Response) -> str:
        """Quote the endpoint's message, which may have the key in it. It is `{"error": {"message": …}}` from OpenAI,
        `{"error": …}`, `{"message": …}` or `{"detail": …}` from others, and otherwise the whole body."""
        message: Any = response.text
        with suppress(ValueError, AttributeError):
            answer = response.json()
            message = next(filter(None, map(answer.get, ("error", "message", "detail"))), message)
        if isinstance(message, dict):
            message = message.get("message", message)
        words = " ".join(str(message).split())
        if self._key:
            words = words.replace(self._key, "***")
        return f"{self._url} answered {response.status_code}: {words[:MAX_MESSAGE_CHARACTERS]}"
