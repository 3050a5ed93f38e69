"""`Idempotency-Key`: a POST that is sent again has one effect and the same response.

The response is stored in the transaction of the effect, so that there are both or neither. A request in progress holds a
lock that ends with its transaction, so a process that dies leaves nothing behind. A streamed response is complete when its
stream has ended; if the stream breaks, its row is deleted, so that the request can be sent again. (Uploads are stored
outside of a transaction. They need none: the same file again is the same document.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import Q
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import Actor
from core.api.events import MAX_SECONDS, MEDIA_TYPE
from core.errors import ConflictError, InvalidError
from core.isolation.scope import current_tenant_id, tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.models import IdempotencyKey

RETENTION = timedelta(hours=24)
MAX_KEY_LENGTH = 255


class RequestUnderWayError(ConflictError):
    """A request with this Idempotency-Key is under way. Wait, and send it again to get its answer."""


class IdempotencyKeyReusedError(InvalidError):
    """This Idempotency-Key was used for another request. Use a new one for each request that is not a repetition."""


class AlreadyAnswered(Exception):
    """The request was answered before; `response()` is the stored response."""

    def __init__(self, stored: IdempotencyKey) -> None:
        super().__init__(stored.key)
        self.stored = stored

    def response(self) -> HttpResponse:
        headers, body = {"Idempotency-Replayed": "true"}, self.stored.body
        if self.stored.is_stream:
            return HttpResponse(body, content_type=MEDIA_TYPE, headers=headers)
        return Response(json.loads(body), status=self.stored.status, headers=headers)


@dataclass(frozen=True, slots=True)
class RepeatableRequest:
    """A request with an Idempotency-Key that was not answered before."""

    credential: str
    key: str
    fingerprint: str

    @classmethod
    def begin(cls, request: Request, actor: Actor) -> RepeatableRequest | None:
        """None without the header. Raises AlreadyAnswered, RequestUnderWayError, IdempotencyKeyReusedError, and InvalidError
        for a key that is too long."""
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return None
        if len(key) > MAX_KEY_LENGTH:
            raise InvalidError(f"An Idempotency-Key has at most {MAX_KEY_LENGTH} characters.")
        credential = str(actor.user_id) if actor.scopes is None else actor.credential
        own = cls(credential, key, _fingerprint(request))
        own._lock(actor)
        rows, now = IdempotencyKey.objects.filter(credential=credential, key=key), timezone.now()
        broken = Q(is_complete=False, created_at__lt=now - timedelta(seconds=MAX_SECONDS))
        rows.filter(broken | Q(created_at__lt=now - RETENTION)).delete()
        if stored := rows.first():
            if stored.fingerprint != own.fingerprint:
                raise IdempotencyKeyReusedError
            if not stored.is_complete:
                raise RequestUnderWayError
            raise AlreadyAnswered(stored)
        return own

    def store(self, response: Any, *, without: Collection[str] = ()) -> None:
        """Inside a scope. `without` names the fields that are shown once; they are null when the response is repeated."""
        if isinstance(response, StreamingHttpResponse):
            self._insert(status=response.status_code, body="", is_stream=True, is_complete=False)
            response.streaming_content = self._store_when_streamed(
                current_tenant_id(), response.streaming_content
            )
        else:
            data = {**response.data, **dict.fromkeys(without)} if without else response.data
            self._insert(status=response.status_code, body=JSONRenderer().render(data).decode() or "null")

    def _insert(self, **answer: Any) -> None:
        stored = IdempotencyKey(
            credential=self.credential, key=self.key, fingerprint=self.fingerprint, **answer
        )
        IdempotencyKey.objects.bulk_create([stored], ignore_conflicts=True)

    async def _store_when_streamed(self, tenant_id: UUID, stream: Any) -> AsyncIterator[bytes]:
        parts, body = [], None
        try:
            async for part in stream:
                parts.append(part)
                yield part
            body = b"".join(parts).decode()
        finally:
            await sync_to_async(self._finish_stream)(tenant_id, body)

    def _finish_stream(self, tenant_id: UUID, body: str | None) -> None:
        """Store the stream's body, or delete the row if the stream broke (None)."""
        with tenant_scope(tenant_id):
            own = IdempotencyKey.objects.filter(credential=self.credential, key=self.key)
            if body is None:
                own.delete()
            else:
                own.update(body=body, is_complete=True)

    def _lock(self, actor: Actor) -> None:
        name = f"{actor.tenant_id}/{self.credential}/{self.key}"
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
            if not cursor.fetchone()[0]:
                raise RequestUnderWayError


def purge_answers() -> int:
    """Delete the expired responses of all tenants; returns their number."""
    count = 0
    for tenant_id in all_tenants():
        with tenant_scope(tenant_id):
            expired = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - RETENTION)
            count += int(expired.delete()[0])
    return count


def _fingerprint(request: Request) -> str:
    """A digest of address, fields and files, not of the raw body: a multipart body has another boundary each time."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    files: Any = request.FILES
    for name in sorted(files):
        for file in files.getlist(name):
            digest.update(f"{name}/{file.name}/{file.size}\n".encode())
            for part in file.chunks():
                digest.update(part)
            file.seek(0)
    data = request.data
    fields = dict(data.lists()) if hasattr(data, "lists") else {"": data}
    fields = {key: value for key, value in fields.items() if key not in files}
    digest.update(json.dumps(fields, sort_keys=True, default=str).encode())
    return digest.hexdigest()
