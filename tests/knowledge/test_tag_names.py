"""Tags by every door: people are refused what nobody can see, and files bring tags without it."""

from __future__ import annotations

import json

from django.core.files.uploadedfile import SimpleUploadedFile

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.names import FORBIDDEN
from knowledge.models import Chunk, Tag
from knowledge.pipeline.values import tag_id
from tests.conftest import Person
from tests.knowledge.libraries import BEES, Library
from tests.support.admin_pages import url
from tests.support.api_client import Caller, assert_problem

HOSTILE = ["q\u202eq", "q\nq", "q\u200bq", "q\u2028q", "q\U000e0041q", "q\x1b[2Jq"]


def assert_clean(library: Library) -> None:
    """The tags of the library are those of `HOSTILE`, without what is not shown, and with the ids of such names."""
    with tenant_scope(library.tenant_id):
        tags = {tag.tag: tag.pk for tag in Tag.objects.all()}
        events = json.dumps(list(AuditLog.objects.values_list("payload_json", flat=True)), ensure_ascii=False)
    assert set(tags) == {"q q", "qq", "q[2Jq"}
    assert all(pk == tag_id(library.reference.pk, tag) for tag, pk in tags.items())
    assert not FORBIDDEN.search(events), ascii(events)


def test_tags_of_a_vocabulary_are_refused(library: Library, caller: Caller):
    reference = str(library.reference.pk)
    for name in HOSTILE:
        assert_problem(caller.post("tags/", {"reference": reference, "tag": name}), 422, "invalid")
        library.person.client.post(
            url(Tag, "add"), {"reference": reference, "tag": name.replace("\n", "\u2029")}
        )
    with tenant_scope(library.tenant_id):
        assert not [name for name in Tag.objects.values_list("tag", flat=True) if FORBIDDEN.search(name)]


def test_tags_of_files_are_cleaned(library: Library, caller: Caller):
    sidecar = SimpleUploadedFile("a.md.meta.json", json.dumps({"tags": HOSTILE[:2]}).encode())
    own = f"---\ntags: {json.dumps(HOSTILE[2:4])}\n---\n{BEES}"
    reference = str(library.reference.pk)
    answers = [
        caller.upload(reference=reference, files=[SimpleUploadedFile("a.md", BEES.encode()), sidecar]),
        caller.upload(reference=reference, files=[SimpleUploadedFile("b.md", own.encode())]),
        caller.upload(reference=reference, files=[SimpleUploadedFile("c.md", b"Bees")], tags=HOSTILE[4:]),
    ]
    assert [answer.status_code for answer in answers] == [202] * 3
    library.work()
    assert_clean(library)


def test_tags_by_hand_are_cleaned(library: Library, caller: Caller):
    document = library.add("a.md", BEES)
    tagged = caller.post("documents/tag/", {"ids": [str(document.pk)], "tags": HOSTILE[:3]})
    assert tagged.status_code == 200, tagged.content
    with tenant_scope(library.tenant_id):
        chunk = Chunk.objects.get()
    page = url(Chunk, "tag_one", chunk.pk)
    library.person.client.post(page, {"add": ",".join(HOSTILE[3:]), "remove": ""})
    assert_clean(library)


def test_spaces_of_a_tag_by_hand_do_not_part_it_from_the_tag_of_a_file(
    owner: Person, library: Library, caller: Caller
):
    name = {"reference": str(library.reference.pk), "tag": "honey \u00a0 bees"}
    assert caller.post("tags/", name).status_code == 201
    document = library.add("a.md", f"---\ntags: [honey bees]\n---\n{BEES}")
    assert document.processed_status == "done", document.error_code
    with tenant_scope(owner.tenant_id):
        assert [tag.tag for tag in Tag.objects.all()] == ["honey bees"]
