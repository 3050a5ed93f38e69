"""Files that OpenAI's Python client uploads in parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import openai
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from openai import OpenAI

from core.isolation.scope import tenant_scope
from core.models import QuotaLimit
from core.quota_kinds import QuotaKind
from core.quota_upkeep import correct_stored_of
from core.quotas import standings
from knowledge.models import FileUpload, StoredFile, UploadPart
from knowledge.storage.files import UPLOAD_PARTS, UPLOADED_FILES
from knowledge.tasks import clear_uploads
from tests.conftest import Person
from tests.contracts.clients.conftest import make_client

PIECES = [b"After a paper jam, ", b"open the rear cover ", b"and pull the sheet out.\n"]
WHOLE = b"".join(PIECES)


def begin(client: OpenAI, **changes: Any) -> Any:
    given = {"filename": "jam.md", "bytes": len(WHOLE), "mime_type": "text/markdown", "purpose": "assistants"}
    return client.uploads.create(**{**given, **changes})


def send(client: OpenAI, upload: Any, pieces: list[bytes]) -> list[str]:
    return [client.uploads.parts.create(upload.id, data=piece).id for piece in pieces]


def refused(call: Any) -> Any:
    with pytest.raises(openai.BadRequestError) as error:
        call()
    return error.value


def stored_parts(person: Person) -> list[str]:
    return [*UPLOAD_PARTS.all_files(person.tenant_id)]


def counted_bytes(person: Person) -> int:
    """What the quota counts, which is what is there."""
    assert correct_stored_of(person.tenant_id) == 0
    with tenant_scope(person.tenant_id):
        return next(one.used for one in standings() if one.kind is QuotaKind.STORAGE)


def test_parts_become_a_file_in_the_order_that_is_given(client: OpenAI, owner: Person):
    upload = begin(client)
    assert (upload.status, upload.object, upload.bytes, upload.filename) == (
        "pending",
        "upload",
        len(WHOLE),
        "jam.md",
    )
    assert upload.expires_at - upload.created_at == 24 * 3600 and upload.file is None
    last, first, middle, _ = send(client, upload, [PIECES[2], PIECES[0], PIECES[1], b"sent twice"])
    assert counted_bytes(owner) == len(WHOLE) + 10
    md5 = hashlib.md5(WHOLE, usedforsecurity=False).hexdigest()
    for _ in range(2):  # a client repeats what it has heard no answer to
        done = client.uploads.complete(upload.id, part_ids=[first, middle, last], md5=md5)
        assert (file := done.file) and (done.status, file.filename, file.bytes) == (
            "completed",
            "jam.md",
            len(WHOLE),
        )
    assert file and client.files.content(file.id).read() == WHOLE
    assert client.files.retrieve(file.id) == file
    assert stored_parts(owner) == [] and counted_bytes(owner) == len(WHOLE)
    assert client.files.delete(file.id).deleted


def test_large_file_is_split_by_the_client(client: OpenAI):
    data = bytes(range(256)) * 8192
    done = client.uploads.upload_file_chunked(
        file=data,
        filename="b.bin",
        bytes=len(data),
        mime_type="application/octet-stream",
        purpose="user_data",
        part_size=700_001,
    )
    assert done.file and client.files.content(done.file.id).read() == data


def test_what_does_not_fit_is_refused_and_can_be_mended(client: OpenAI):
    upload, other = begin(client), begin(client)
    ids, foreign = send(client, upload, PIECES), send(client, other, PIECES[:1])
    complete = client.uploads.complete
    for part_ids in (ids[:2], [*ids, ids[0]], [*ids[:2], *foreign], [f"part_{uuid4().hex}"], ["x"]):
        assert refused(lambda ids=part_ids: complete(upload.id, part_ids=ids)).param.startswith("part_ids")
    assert refused(lambda: complete(upload.id, part_ids=ids, md5="0" * 32)).param == "md5"
    assert refused(lambda: complete(upload.id, part_ids=ids, md5="x")).param == "md5"
    assert complete(upload.id, part_ids=ids).status == "completed"
    for change, param in (
        ({"bytes": (8 << 30) + 1}, "bytes"),
        ({"purpose": "fine-tune"}, "purpose"),
        ({"expires_after": {"anchor": "created_at", "seconds": 3600}}, "expires_after"),
    ):
        assert refused(lambda change=change: begin(client, **change)).param == param


def test_part_has_at_most_64_megabytes(client: OpenAI):
    upload = begin(client)
    data = bytes((64 << 20) + 1)
    assert refused(lambda: client.uploads.parts.create(upload.id, data=data)).param == "data"


def test_cancelled_and_completed_uploads_take_no_parts(client: OpenAI, owner: Person):
    upload, done = begin(client), begin(client, bytes=0)
    (part,) = send(client, upload, [b"x"])
    assert client.uploads.cancel(upload.id).status == client.uploads.cancel(upload.id).status == "cancelled"
    assert client.uploads.complete(done.id, part_ids=[]).file
    assert stored_parts(owner) == [] and counted_bytes(owner) == 0
    for call in (
        lambda: client.uploads.parts.create(upload.id, data=b"x"),
        lambda: client.uploads.parts.create(done.id, data=b"x"),
        lambda: client.uploads.complete(upload.id, part_ids=[part]),
        lambda: client.uploads.cancel(done.id),
    ):
        assert refused(call).code == "upload_ended"


def test_expired_upload_is_removed_with_what_a_killed_process_left(client: OpenAI, owner: Person):
    upload, young = begin(client), begin(client)
    send(client, upload, PIECES), send(client, young, [b"kept"])
    (kept,) = [
        name for name in stored_parts(owner) if young.id.removeprefix("upload_") in name.replace("-", "")
    ]
    with tenant_scope(owner.tenant_id):
        row = FileUpload.objects.get(pk=upload.id.removeprefix("upload_"))
        FileUpload.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    UPLOAD_PARTS.save(ContentFile(b"without a row"), owner.tenant_id, row.pk, "x")
    assert refused(lambda: client.uploads.parts.create(upload.id, data=b"x")).code == "upload_ended"
    address = f"/uploads/{upload.id}"
    assert client.get(address, cast_to=object)["status"] == "expired"  # type: ignore[index]
    assert clear_uploads() == 1 and clear_uploads() == 0
    assert stored_parts(owner) == [kept] and counted_bytes(owner) == 4
    assert client.get(address, cast_to=object)["status"] == "expired"  # type: ignore[index]


def test_upload_goes_on_after_its_parts_are_listed(client: OpenAI):
    """A client that has lost the ids of its parts asks for them."""
    upload = begin(client)
    send(client, upload, PIECES[:2])
    listed: Any = client.get(f"/uploads/{upload.id}/parts?order=asc", cast_to=object)
    assert [part["bytes"] for part in listed["data"]] == [len(piece) for piece in PIECES[:2]]
    ids = [part["id"] for part in listed["data"]]
    done = client.uploads.complete(upload.id, part_ids=[*ids, *send(client, upload, PIECES[2:])])
    assert done.file and client.files.content(done.file.id).read() == WHOLE


def test_lost_part_is_told_and_nothing_is_left(client: OpenAI, owner: Person):
    upload = begin(client)
    ids = send(client, upload, PIECES)
    with tenant_scope(owner.tenant_id):
        default_storage.delete(UploadPart.objects.latest("pk").file_path)
    with pytest.raises(openai.NotFoundError) as missing:
        client.uploads.complete(upload.id, part_ids=ids)
    assert missing.value.code == "stored_file_missing"
    assert [*UPLOADED_FILES.all_files(owner.tenant_id)] == []
    again = [*ids[:2], *send(client, upload, PIECES[2:])]
    assert client.uploads.complete(upload.id, part_ids=again).file


def test_quota_counts_parts_as_they_arrive(client: OpenAI, owner: Person):
    with tenant_scope(owner.tenant_id):
        QuotaLimit.objects.create(kind=QuotaKind.STORAGE, amount=len(WHOLE))
    upload = begin(client)
    ids = send(client, upload, PIECES)
    with pytest.raises(openai.PermissionDeniedError) as full:
        send(client, upload, [b"x"])
    assert full.value.code == "quota_exceeded" and len(stored_parts(owner)) == 3
    assert client.uploads.complete(upload.id, part_ids=ids).file


def test_bound_keys_and_other_organisations_do_not_see_an_upload(
    owner: Person, stranger: Person, client: OpenAI, address: str, library: Any
):
    upload = begin(client)
    part = send(client, upload, PIECES[:1])
    bound = ("reference", library.reference.pk)
    with (
        make_client(stranger, address) as foreign,
        make_client(owner, address, bound=bound) as narrow,
        make_client(owner, address, scopes=["knowledge:read"]) as reader,
    ):
        calls: list[Callable[[OpenAI], Any]] = [
            lambda other: other.uploads.parts.create(upload.id, data=b"x"),
            lambda other: other.uploads.complete(upload.id, part_ids=part),
            lambda other: other.uploads.cancel(upload.id),
            lambda other: other.get(f"/uploads/{upload.id}/parts", cast_to=object),
        ]
        for other, call in product((foreign, narrow), calls):
            with pytest.raises(openai.NotFoundError):
                call(other)
        own = begin(narrow)
        done = narrow.uploads.complete(own.id, part_ids=send(narrow, own, PIECES))
        assert done.file and narrow.files.retrieve(done.file.id).id == done.file.id
        with pytest.raises(openai.PermissionDeniedError):
            begin(reader)
    with tenant_scope(owner.tenant_id):
        assert StoredFile.objects.get().bound_id == library.reference.pk
