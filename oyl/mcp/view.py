"""`/mcp/`: each message is a request with an API key, and is answered by JSON. There are no sessions, and so no streams."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api.views import KeyAuthentication, actor_of
from oyl.mcp.server import REQUEST, SERVER

KEPT_HEADERS = ("content-type", "mcp-protocol-version")


class HasActor(BasePermission):
    """Which tools may be used, the routes behind them decide."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if actor_of(request) is None:
            raise NotAuthenticated("Send `Authorization: Bearer <your API key>`.")
        return True


class McpView(APIView):
    opens_own_scopes = True
    authentication_classes = (KeyAuthentication,)
    permission_classes = (HasActor,)
    schema = None

    @classmethod
    def as_view(cls, **kwargs: Any) -> Any:
        view: Any = super().as_view(**kwargs)
        view.opens_own_scopes = True
        return view

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """The protocol's own library reads `Accept`."""
        return super().perform_content_negotiation(request, force=True)

    def post(self, request: Request) -> HttpResponse:
        return async_to_sync(serve)(request._request)


async def serve(request: HttpRequest) -> HttpResponse:
    """The library's answer to one request; it expects an ASGI application around it."""
    messages: list[Any] = []
    body = iter([{"type": "http.request", "body": request.body, "more_body": False}])

    async def receive() -> Any:
        return next(body, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        messages.append(message)

    REQUEST.set(request)  # type: ignore[arg-type]
    manager = StreamableHTTPSessionManager(SERVER, json_response=True, stateless=True)
    async with manager.run():
        await manager.handle_request(_asgi_scope(request), receive, send)
    start, *rest = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    content = b"".join(message.get("body", b"") for message in rest)
    response = HttpResponse(content, status=start["status"])
    for name in KEPT_HEADERS:
        if name in headers:
            response[name] = headers[name]
    if response.status_code == HTTPStatus.ACCEPTED:
        del response["content-type"]
    return response


def _asgi_scope(request: HttpRequest) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()
        ],
        "client": None,
        "server": None,
    }
