"""`Idempotency-Key`: a POST that is sent again has one effect, and the same answer.

The answer is kept in the transaction of the effect, so that there is either both or neither. A request under way is known
by a lock that ends with its transaction: a worker that dies leaves nothing behind. A streamed answer is complete when its
stream has ended; a stream that breaks deletes what was kept of it, so that the request can be sent again. (Uploads are
stored outside of a transaction. They need none: the same file again is the same document, whoever sends it, and is
answered so.)
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

KEPT = timedelta(hours=24)
MAX_KEY_LENGTH = 255


class RequestUnderWayError(ConflictError):
    """A request with this Idempotency-Key is under way. Wait, and send it again to get its answer."""


class IdempotencyKeyReusedError(InvalidError):
    """This Idempotency-Key was used for another request. Use a new one for each request that is not a repetition."""


class Replay(Exception):
    """The request was answered before: so."""

    def __init__(self, kept: IdempotencyKey) -> None:
        super().__init__(kept.key)
        self.kept = kept

    def response(self) -> HttpResponse:
        headers, body = {"Idempotency-Replayed": "true"}, self.kept.body
        if self.kept.is_stream:
            return HttpResponse(body, content_type=MEDIA_TYPE, headers=headers)
        return Response(json.loads(body), status=self.kept.status, headers=headers)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request with an Idempotency-Key, as its first bearer."""

    credential: str
    key: str
    fingerprint: str

    @classmethod
    def begin(cls, request: Request, actor: Actor) -> Repeatable | None:
        """None without the header. Raises Replay when it was answered, RequestUnderWayError, IdempotencyKeyReusedError, and
        InvalidError for a key that is too long."""
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return None
        if len(key) > MAX_KEY_LENGTH:
            raise InvalidError(f"An Idempotency-Key has at most {MAX_KEY_LENGTH} characters.")
        credential = str(actor.user_id) if actor.scopes is None else actor.credential
        mine = cls(credential, key, _fingerprint(request))
        mine._lock(actor)
        if kept := mine._kept():
            if kept.fingerprint != mine.fingerprint:
                raise IdempotencyKeyReusedError
            if not kept.is_complete:
                raise RequestUnderWayError
            raise Replay(kept)
        return mine

    def keep(self, response: Any, *, without: Collection[str] = ()) -> None:
        """Inside a scope. `without` names what is shown once, and null when the answer is repeated."""
        if isinstance(response, StreamingHttpResponse):
            self._insert(status=response.status_code, body="", is_stream=True, is_complete=False)
            response.streaming_content = self._keep_at_end(current_tenant_id(), response.streaming_content)
        else:
            data = {**response.data, **dict.fromkeys(without)} if without else response.data
            self._insert(status=response.status_code, body=JSONRenderer().render(data).decode() or "null")

    def _insert(self, **answer: Any) -> None:
        kept = IdempotencyKey(
            credential=self.credential, key=self.key, fingerprint=self.fingerprint, **answer
        )
        IdempotencyKey.objects.bulk_create([kept], ignore_conflicts=True)

    async def _keep_at_end(self, tenant_id: UUID, stream: Any) -> AsyncIterator[bytes]:
        parts, body = [], None
        try:
            async for part in stream:
                parts.append(part)
                yield part
            body = b"".join(parts).decode()
        finally:
            await sync_to_async(self._end)(tenant_id, body)

    def _end(self, tenant_id: UUID, body: str | None) -> None:
        """The stream has ended with this body, or broke (None)."""
        with tenant_scope(tenant_id):
            mine = IdempotencyKey.objects.filter(credential=self.credential, key=self.key)
            if body is None:
                mine.delete()
            else:
                mine.update(body=body, is_complete=True)

    def _lock(self, actor: Actor) -> None:
        name = f"{actor.tenant_id}/{self.credential}/{self.key}"
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
            if not cursor.fetchone()[0]:
                raise RequestUnderWayError

    def _kept(self) -> IdempotencyKey | None:
        mine, now = IdempotencyKey.objects.filter(credential=self.credential, key=self.key), timezone.now()
        dead = Q(is_complete=False, created_at__lt=now - timedelta(seconds=MAX_SECONDS))
        mine.filter(dead | Q(created_at__lt=now - KEPT)).delete()
        found: IdempotencyKey | None = mine.first()
        return found


def purge_answers() -> int:
    """Of all tenants, those that are kept no longer; how many there were."""
    return sum(map(_purge, all_tenants()))


def _purge(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        return int(IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0])


def _fingerprint(request: Request) -> str:
    """Of address, fields and files, not of how the body is written: a multipart body has another boundary each time."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    files: Any = request.FILES
    for name in sorted(files):
        for file in files.getlist(name):
            digest.update(f"{name}/{file.name}/{file.size}\n".encode())
            for part in file.chunks():
                digest.update(part)
            file.seek(0)
    fields = {key: value for key, value in _fields(request).items() if key not in files}
    digest.update(json.dumps(fields, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _fields(request: Request) -> dict[str, Any]:
    data = request.data
    return dict(data.lists()) if hasattr(data, "lists") else {"": data}
