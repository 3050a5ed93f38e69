"""`Idempotency-Key`: a POST that is sent again has one effect and the same response.

A row says that a request is under way, and has its response when it has ended. In a view with one transaction the row
is part of it, so there are the effect and the response, or neither; meanwhile a lock refuses repetitions. A view that
opens scopes of its own commits the row first; if it fails, the row is deleted. If its process is killed, or if a stream is
not read any more, the row's lease expires, and the request can be sent again.

A response of more than `MAX_ANSWER_BYTES`, or beyond the quota of kept answers, is not stored: a repetition has no effect
either, and its answer says so.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DataError, connection
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import Actor
from core.api.events import MEDIA_TYPE, STREAM_HEADERS, looked
from core.connections import UNAVAILABLE, run_in_thread
from core.errors import ConflictError, InvalidError, PassingConflictError
from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from core.models import IdempotencyKey
from core.quota_kinds import QuotaKind
from core.quotas import QuotaExceededError, charge

RETENTION = timedelta(hours=24)
# Without an end, or the next part of a stream, for so long, a request is not under way any more.
REQUEST_LEASE, STREAM_LEASE = timedelta(minutes=10), timedelta(minutes=1)
MAX_KEY_LENGTH, MAX_ANSWER_BYTES = 255, 64_000


class RequestUnderWayError(PassingConflictError):
    """A request with this Idempotency-Key is under way. Wait, and send it again to get its answer."""


class IdempotencyKeyReusedError(InvalidError):
    """This Idempotency-Key was used for another request. Use a new one for each request that is not a repetition."""


class AnswerNotKeptError(ConflictError):
    """The request was carried out before, and its answer was not kept, because it was too long, or because the quota
    `kept_answer_bytes` was used up. Read what it has made or changed."""

    @classmethod
    def of(cls, stored: IdempotencyKey) -> AnswerNotKeptError:
        made = json.loads(stored.body or "null")
        which = f" It concerns the object {made}: read that." if made else ""
        return cls(
            f"This request was carried out before, with the status {stored.status}. Its answer was not kept, because it had"
            f" more than {MAX_ANSWER_BYTES:,} bytes, or because the quota `{QuotaKind.KEPT_ANSWERS}` was used up.{which}"
        )


class AlreadyAnswered(Exception):
    """The request was answered before; `response()` is the stored response."""

    def __init__(self, stored: IdempotencyKey) -> None:
        super().__init__(stored.key)
        self.stored = stored

    def response(self) -> HttpResponse:
        headers, body = {"Idempotency-Replayed": "true"}, self.stored.body
        if self.stored.is_stream:
            return HttpResponse(body, content_type=MEDIA_TYPE, headers={**STREAM_HEADERS, **headers})
        return Response(json.loads(body), status=self.stored.status, headers=headers)


@dataclass(frozen=True, slots=True)
class RepeatableRequest:
    """A request with an Idempotency-Key that was not answered before."""

    actor: Actor
    pk: UUID

    @classmethod
    def begin(cls, request: Request, actor: Actor) -> RepeatableRequest | None:
        """None without the header. Raises AlreadyAnswered, AnswerNotKeptError, RequestUnderWayError,
        IdempotencyKeyReusedError, and InvalidError for a key that is too long."""
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return None
        if len(key) > MAX_KEY_LENGTH:
            raise InvalidError(f"An Idempotency-Key has at most {MAX_KEY_LENGTH} characters.")
        credential = actor.caller
        _lock(f"{actor.tenant_id}/{credential}/{key}")
        rows, now = IdempotencyKey.objects.filter(credential=credential, key=key), timezone.now()
        fingerprint = _fingerprint(request)
        rows.filter(expires_at__lt=now).delete()
        if stored := rows.first():
            if stored.fingerprint != fingerprint:
                raise IdempotencyKeyReusedError
            if not stored.is_complete:
                raise RequestUnderWayError
            raise AlreadyAnswered(stored) if stored.is_kept else AnswerNotKeptError.of(stored)
        row = rows.create(
            credential=credential, key=key, fingerprint=fingerprint, expires_at=now + REQUEST_LEASE
        )
        return cls(actor, row.pk)

    def store(self, response: Any, *, without: Collection[str] = ()) -> None:
        """Inside a scope. `without` names the fields that are shown once; they are null when the response is repeated."""
        if isinstance(response, StreamingHttpResponse):
            self.update(STREAM_LEASE, status=response.status_code, is_stream=True)
            response.streaming_content = StoredStream(self, response.streaming_content)
        else:
            data = {**response.data, **dict.fromkeys(without)} if without else response.data
            body = JSONRenderer().render(data).decode() or "null"
            made = str(data["id"]) if isinstance(data, dict) and "id" in data else None
            self.complete(body, made=made, status=response.status_code)

    def complete(self, body: str | None, *, made: str | None = None, **columns: Any) -> None:
        """Store the answer; without a body, or where it cannot be kept, the id of what it has made."""
        is_kept = body is not None and self._count(body)
        kept = body if is_kept else json.dumps(made)
        self.update(RETENTION, body=kept, is_kept=is_kept, is_complete=True, **columns)

    def _count(self, body: str) -> bool:
        """Whether the answer is short enough, and there is room for it."""
        if (size := len(body.encode())) > MAX_ANSWER_BYTES:
            return False
        try:
            charge(actor=self.actor, amounts={QuotaKind.KEPT_ANSWERS: size})
        except QuotaExceededError:
            return False
        return True

    def update(self, lease: timedelta, **columns: Any) -> None:
        """Only its own row: if its lease has expired, there may be that of a repetition."""
        own = IdempotencyKey.objects.filter(pk=self.pk)
        own.update(expires_at=timezone.now() + lease, **columns)

    def release(self) -> None:
        """Opens a scope. The request can be sent again."""
        with tenant_scope(self.actor.tenant_id):
            IdempotencyKey.objects.filter(pk=self.pk).delete()


class StoredStream:
    """A stream whose parts are stored when it has ended. Django calls `close` in any case, also if nothing was read."""

    def __init__(self, request: RepeatableRequest, stream: Any) -> None:
        self._request, self._stream, self._is_finished = request, stream, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content, renewed = bytearray(), time.monotonic()
        try:
            async for part in self._stream:
                if len(content) <= MAX_ANSWER_BYTES:
                    content += part
                if time.monotonic() - renewed > STREAM_LEASE.total_seconds() / 4:
                    renewed = time.monotonic()
                    await looked(self._renew)
                yield part
            await run_in_thread(lambda: self._finish(bytes(content)))
        finally:
            await run_in_thread(self.close)

    def _finish(self, content: bytes) -> None:
        """PostgreSQL does not store a NUL, nor what is not UTF-8: such a stream is not repeated."""
        with suppress(UnicodeDecodeError, ValueError, DataError, *UNAVAILABLE):
            body = content.decode() if len(content) <= MAX_ANSWER_BYTES else None
            with tenant_scope(self._request.actor.tenant_id):
                self._request.complete(body)
            self._is_finished = True

    def _renew(self) -> None:
        with tenant_scope(self._request.actor.tenant_id):
            self._request.update(STREAM_LEASE)

    def close(self) -> None:
        """What is not released now, ends with its lease."""
        if not self._is_finished:
            with suppress(*UNAVAILABLE):
                self._request.release()


def _lock(name: str) -> None:
    """Until the end of the transaction. Raises RequestUnderWayError while another one has the lock."""
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
            count += int(IdempotencyKey.objects.filter(expires_at__lt=timezone.now()).delete()[0])
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
