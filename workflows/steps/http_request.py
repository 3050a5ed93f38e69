"""Calling a service."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import timezone

from core.json_values import json_text
from core.outbound import AllowList, Deadline, OutboundClient
from workflows.definition import JSON, Definition, StepDefinition
from workflows.models import StepType
from workflows.steps.base import (
    Outcome,
    Output,
    Step,
    StepContext,
    StepError,
    expression,
    object_schema,
    refers_to,
    template,
)
from workflows.steps.services import service_of

MAX_SECONDS, MAX_BYTES = 120.0, 5_000_000
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
# Set by OYL, or by the integration.
# Everybody who sees the workflow or its runs could read credentials; the others say where a request ends, or whose it is.
RESERVED = {
    *("authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"),
    *("idempotency-key", "content-type", "content-length", "transfer-encoding", "connection", "host"),
}
_SHOWN_HEADERS = (
    "content-type",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-request-id",
)


class HttpRequest(Step):
    type = StepType.HTTP_REQUEST
    purpose = "Call a service over HTTP, with the credentials of an integration if one is chosen."
    config_schema = object_schema(
        ("url",),
        method={"enum": list(METHODS), "title": "The method; GET if not given"},
        url={
            "type": "string",
            "minLength": 1,
            "maxLength": 2000,
            "x-template": "url",
            "title": "The address; with an integration, the path below its address, which begins with /",
        },
        integration=refers_to(
            "workspaces.IntegrationConfig", "The integration that has the address and the credentials"
        ),
        headers={
            "type": "object",
            "maxProperties": 20,
            "propertyNames": {
                "pattern": "^[A-Za-z0-9-]{1,64}$",
                "description": "a name of a header, as Accept-Language",
            },
            "additionalProperties": template("A value", 1000),
            "title": "Further headers",
        },
        json=expression("The body, which is sent as JSON"),
        text=template("The body as text", 100_000),
        content_type={
            "type": "string",
            "pattern": r"^[a-z0-9.+-]+/[a-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?$",
            "maxLength": 100,
            "description": "a type as application/xml",
            "title": "The type of the body; application/json or text/plain if not given",
        },
        expected_status={
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": {"type": "integer", "minimum": 200, "maximum": 599},
            "title": "The status codes with which the step is done; 200 to 299 if not given",
        },
        max_bytes={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_BYTES,
            "title": "The largest response; 1,000,000",
        },
    )
    output_schema = object_schema(
        ("status", "headers", "body", "encoding"),
        status={"type": "integer"},
        headers={"type": "object", "title": f"Those of: {', '.join(_SHOWN_HEADERS)}"},
        body={"title": "The value of a JSON response, the text of another one"},
        encoding={
            "enum": ["json", "text", "base64"],
            "title": "What the body is; base64 of what is neither text nor JSON",
        },
    )
    touches_outside = True
    cost = "what the service costs"

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        config, found = step.config, []
        if ("integration" in config) != config["url"].startswith("/"):
            found.append(
                "With an integration, 'url' is a path that begins with '/'; without one, an address that begins with https://."
            )
        if "json" in config and "text" in config:
            found.append("Give the body as 'json' or as 'text', not both.")
        if set(config) & {"json", "text"} and config.get("method", "GET") in ("GET", "HEAD"):
            found.append("A request with the method GET or HEAD has no body. Choose another method.")
        own = [name for name in config.get("headers", {}) if name.lower() in RESERVED]
        found += [
            f"The header '{name}' cannot be given here: credentials belong to an integration, and OYL sets the others."
            for name in own
        ]
        return found

    def run(self, context: StepContext) -> Outcome:
        config, service = context.config, service_of(context)
        body, content_type = _body(config)
        headers = {
            "Accept": "application/json, text/*;q=0.9, */*;q=0.1",
            **({"Content-Type": content_type} if body else {}),
            **{name: _one_line(value) for name, value in config.get("headers", {}).items()},
            **service.headers,
            "Idempotency-Key": context.idempotency_key,
        }
        seconds = min((context.deadline - timezone.now()).total_seconds(), MAX_SECONDS)
        with client(config.get("max_bytes", 1_000_000)).stream(
            config.get("method", "GET"),
            service.url + config["url"],
            headers=headers,
            body=body,
            deadline=Deadline(max(seconds, 0)),
        ) as response:
            content = b"".join(response.body)
        expected = config.get("expected_status") or range(200, 300)
        if response.status not in expected:
            is_passing = response.status >= 500 or response.status in (408, 425, 429)
            raise StepError("http_status", retry=is_passing, status=response.status)
        kept = {name: response.headers[name] for name in _SHOWN_HEADERS if name in response.headers}
        encoding, value = _read(response.headers.get("content-type", ""), content)
        output = {"status": response.status, "headers": kept, "body": value, "encoding": encoding}
        return Output(output, details={"idempotency_key": context.idempotency_key, "bytes": len(content)})


@cache
def _client(allowed: tuple[str, ...], max_bytes: int) -> OutboundClient:
    return OutboundClient(AllowList.parse(allowed), max_bytes=max_bytes)


def client(max_bytes: int) -> OutboundClient:
    """The process's client of steps, with limits in few sizes."""
    limit = next(size for size in (100_000, 1_000_000, MAX_BYTES) if size >= max_bytes)
    return _client(tuple(settings.OUTBOUND_ALLOW), limit)


def _body(config: Mapping[str, JSON]) -> tuple[bytes, str]:
    if "json" in config:
        return json_text(config["json"]).encode(), config.get("content_type", "application/json")
    return config.get("text", "").encode(), config.get("content_type", "text/plain; charset=utf-8")


def _one_line(value: str) -> str:
    """A value of a header: its line ends are spaces."""
    return " ".join(value.split())


def _read(content_type: str, content: bytes) -> tuple[str, Any]:
    """The encoding and the value. Raises StepError for JSON that is none."""
    kind, _, parameters = content_type.lower().partition(";")
    if kind.strip() == "application/json" or kind.strip().endswith("+json"):
        try:
            return "json", json.loads(content) if content else None
        except (ValueError, RecursionError):
            raise StepError("http_body") from None
    charset = parameters.partition("charset=")[2].strip(" \"'") or "utf-8"
    if not content or kind.startswith("text/") or kind.strip().endswith(("xml", "x-www-form-urlencoded")):
        return "text", _decoded(content, charset).replace("\0", "\ufffd")
    return "base64", base64.b64encode(content).decode()


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
