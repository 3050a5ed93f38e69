"""The audit log as a person reads it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from audit.models import AuditLog
from core.admin.exports import formula_safe
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Connector, Document, Reference
from tenants.models import Membership
from tenants.services.members import set_role
from tests.conftest import Person, make_member
from tests.knowledge.libraries import Library, make_library
from tests.support.admin_rows import make_rows

LOG = reverse("admin:audit_auditlog_changelist")


def lines(person: Person, **filters: str) -> list[str]:
    """The sentences of the list, newest first."""
    page = person.client.get(LOG, filters).content.decode()
    cells = re.findall(r"field-what [^>]*>(.*?)</td>", page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells]


@pytest.fixture
def uploads(owner: Person, tmp_path: Path) -> Library:
    library = make_library(owner, tmp_path)
    library.queue(library.upload("bees.md", b"Bees."), library.upload("rivers.md", b"Rivers."))
    return library


def test_a_line_says_who_did_what_to_what(uploads: Library):
    owner, name = uploads.person, uploads.reference.name
    assert lines(owner)[0] == f"{owner.user.email} added 2 documents in the reference {name}"
    address = reverse("admin:knowledge_reference_change", args=[uploads.reference.pk])
    assert f'href="{address}"' in owner.client.get(LOG).content.decode()


def test_history_of_a_document_names_who_uploaded_it_with_others(uploads: Library):
    with tenant_scope(uploads.person.tenant_id):
        document = Document.objects.get(filename="bees.md")
        other = Document.objects.get(filename="rivers.md")
    page = uploads.person.client.get(reverse("admin:knowledge_document_history", args=[document.pk]))
    text = page.content.decode()
    assert f"{uploads.person.user.email} added 2 documents" in text
    assert "this one" in text and str(other.pk) not in text, "only what concerns it"


def test_what_was_deleted_keeps_its_name(owner: Person):
    rows = make_rows(owner)
    with tenant_scope(owner.tenant_id):
        name = Reference.objects.get(pk=rows[Reference].pk).name
        Connector.objects.all().soft_delete()  # a reference that a connector fills is kept
    page = reverse("admin:knowledge_reference_delete", args=[rows[Reference].pk])
    owner.client.post(page, {"post": "yes", "name": name})
    assert f"{owner.user.email} deleted the reference {name}" in lines(owner)


def test_a_role_before_and_after(owner: Person):
    member = make_member(owner.tenant_id, Role.VIEWER)
    with tenant_scope(owner.tenant_id):
        membership: Any = Membership.objects.get(user=member.user)
    set_role(actor=owner.actor, membership=membership, role=Role.EDITOR)
    assert lines(owner)[0].startswith(f"{owner.user.email} changed the role of the member {member.user}")
    page = owner.client.get(reverse("admin:tenants_membership_history", args=[membership.pk]))
    table = " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())
    assert "role viewer editor" in table


def test_events_are_found_by_person_object_and_word(uploads: Library):
    owner, colleague = uploads.person, make_member(uploads.person.tenant_id, Role.ADMIN)
    colleague.client.get(LOG)
    by_colleague = lines(owner, who=colleague.user.email)
    assert by_colleague and all(line.startswith(colleague.user.email) for line in by_colleague)
    assert all("reference" in line for line in lines(owner, object=str(uploads.reference.pk)))
    assert lines(owner, object=uploads.reference.name) and not lines(owner, object="no such word anywhere")


def test_export_is_formula_safe(uploads: Library):
    owner = uploads.person
    owner.client.post(reverse("admin:workspaces_workspace_add"), {"name": "=HYPERLINK(1)", "description": ""})
    form = {"action": "export_csv", "select_across": "1", "_selected_action": [""]}
    with tenant_scope(owner.tenant_id):
        form["_selected_action"] = [str(pk) for pk in AuditLog.objects.values_list("pk", flat=True)]
    text = owner.client.post(LOG, form).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert f"{owner.user.email} added 2 documents in the reference {uploads.reference.name}" in [
        row["what"] for row in rows
    ]
    assert formula_safe("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    lines = owner.client.post(LOG, {**form, "action": "export_json_lines"}).content.decode().splitlines()
    assert len(lines) >= len(rows) and json.loads(lines[0])["action"]


def test_verify_shows_its_result(owner: Person):
    address = reverse("admin:audit_auditlog_verify_log")
    page = owner.client.post(address, {"_form_submitted": "True"}, follow=True).content.decode()
    assert "are as they were written." in page
