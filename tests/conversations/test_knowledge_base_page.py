"""The page of a knowledge base."""

from __future__ import annotations

import json
from typing import Any

from django.urls import reverse

from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import KnowledgeBase, Reference
from knowledge.services.references import create_reference
from tests.conftest import Person, make_member
from tests.conversations.conftest import Desk
from workspaces.models import Workspace


def address_of(desk: Desk) -> str:
    with tenant_scope(desk.person.tenant_id):
        return reverse("admin:open_knowledge_base", args=[KnowledgeBase.objects.get().pk])


def references(desk: Desk) -> set[str]:
    with tenant_scope(desk.person.tenant_id):
        links = KnowledgeBase.objects.get().reference_links
        return set(links.values_list("reference__name", flat=True))


def test_references_of_the_workspace_are_attached(desk: Desk):
    client, address, workspace = desk.person.client, address_of(desk), desk.assistant.workspace_id
    laws = create_reference(actor=desk.person.actor, workspace_id=workspace, name="Laws")
    with tenant_scope(desk.person.tenant_id):
        other = Workspace.objects.create(name="Elsewhere")
        private = Reference.objects.get(knowledge_base__isnull=False)
    foreign = create_reference(actor=desk.person.actor, workspace_id=other.pk, name="Not of here")
    offered = client.get(address).context["references"].fields["references"].queryset
    with tenant_scope(desk.person.tenant_id):
        assert {one.name for one in offered} == {"Laws", desk.library.reference.name}
    assert client.post(address, {"references": [laws.pk]}).status_code == 302
    assert references(desk) == {"Laws"}
    for refused in (foreign, private):
        assert client.post(address, {"references": [refused.pk]}).context["references"].errors
    assert references(desk) == {"Laws"}


def test_the_page_uploads_into_its_own_reference_and_asks_and_searches_in_it(desk: Desk):
    page = desk.person.client.get(address_of(desk))
    with tenant_scope(desk.person.tenant_id):
        base, private = KnowledgeBase.objects.get(), Reference.objects.get(knowledge_base__isnull=False)
    text = page.content.decode()
    assert f'<input type="hidden" name="reference" value="{private.pk}"' in text
    assert json.loads(page.context["filters_json"]) == {"knowledge_base": str(base.pk)}
    assert f'<input type="hidden" name="knowledge_base" value="{base.pk}"' in text
    query: Any = {"query": "honey bees dance", "knowledge_base": base.pk}
    search = reverse("admin:try_search")
    assert "read by Knowledge" in desk.person.client.get(search, query).content.decode()
    assert "bees.md" in desk.person.client.get(search, query).content.decode()
    desk.person.client.post(address_of(desk), {"references": []})
    assert "bees.md" not in desk.person.client.get(search, query).content.decode()


def test_viewers_change_nothing_and_strangers_see_nothing(desk: Desk, stranger: Person):
    viewer, address = make_member(desk.person.tenant_id, Role.VIEWER).client, address_of(desk)
    assert b"data-upload" not in viewer.get(address).content
    assert viewer.post(address, {"references": []}).status_code == 403
    assert stranger.client.get(address).status_code == 404
    assert references(desk) == {desk.library.reference.name}
