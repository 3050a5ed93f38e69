"""References leave the choice of their embedding model to their documents: `auto`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assistants.models import Assistant
from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from engines.embedding import e5
from knowledge.engine_config import embedder_configs, model_for
from knowledge.models import Document, Embedding, KnowledgeBase, Reembedding, Reference
from knowledge.pipeline.ports import collection_name
from knowledge.services.changing import delete_documents
from knowledge.services.reembedding import roll_back_reembedding
from knowledge.services.references import create_knowledge_base
from tests.engines.embedding_endpoint import Endpoint
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, process
from tests.knowledge.reembeddings import assert_agrees, change, points, reference_of, vectors, work_all

MINILM, E5 = list(embedder_configs())
GERMAN = "# Bienen\n\nHonigbienen tanzen, um ihren Schwestern zu zeigen, wo die Blumen stehen und wie weit es ist.\n"
THAI = "# ผึ้ง\n\nผึ้งเต้นรำเพื่อบอกพี่น้องของมันว่าดอกไม้อยู่ที่ไหนและอยู่ไกลแค่ไหน\n"


def models_of(document: Document) -> set[str]:
    assert document.tenant_id
    with tenant_scope(document.tenant_id):
        return set(Embedding.objects.filter(chunk__document=document).values_list("model", flat=True))


def chosen(library: Library) -> list[dict[str, Any]]:
    with tenant_scope(library.tenant_id):
        rows = AuditLog.objects.filter(action="reference.embedding_model_chosen")
        return [row.payload_json["new"] for row in rows]


def changes(library: Library) -> int:
    with tenant_scope(library.tenant_id):
        return Reembedding.objects.count()


@pytest.mark.parametrize("text", [BEES, "4711 0815\n\n42\n", "def f(x):\n    return x + 1\n"])
def test_english_costs_nothing(monkeypatch: pytest.MonkeyPatch, library: Library, text: str):
    """Nor do texts without a language: the multilingual model is not loaded."""
    monkeypatch.setattr(e5, "E5Embedder", None)
    assert reference_of(library).embedding_model == Reference.AUTO
    document = library.add("first.md", text)
    assert (models_of(document), reference_of(library).embedding_model) == ({MINILM}, Reference.AUTO)
    assert library.find("bees dance") and chosen(library) == []


@pytest.mark.parametrize("text", [GERMAN, THAI, BEES + GERMAN])
def test_first_documents_choose_the_multilingual_model(library: Library, text: str):
    """Also when only a part of them is in another language than English; their tags and passages are of that model."""
    document = library.add("first.md", text)
    assert document.processed_status == "done"
    assert models_of(document) == {E5} == {document.versions["model"]}
    assert reference_of(library).embedding_model == E5 and chosen(library) == [{"embedding_model": E5}]
    assert points(library, E5, document.pk) and not points(library, MINILM, document.pk)
    assert [chunk.document_id for chunk in library.find("Wo stehen die Blumen?")][:1] == [document.pk]
    later = library.add("later.md", BEES)
    assert models_of(later) == {E5} and reference_of(library).embedding_model == E5
    assert_agrees(library)


@pytest.mark.parametrize("later", [GERMAN + RIVERS, BEES])
def test_batches_at_the_same_time_choose_once(library: Library, later: str):
    """What was claimed before the choice is of the chosen model, too."""
    batches = []
    for name, text in (("first.md", GERMAN), ("later.md", later)):
        library.queue(library.upload(name, text))
        batches.append(claim(library.tenant_id))
    for batch in batches:
        process(library.tenant_id, batch)
    library.work()
    assert {name: models_of(one) for name, one in library.documents().items()} == {
        "first.md": {E5},
        "later.md": {E5},
    }
    assert len(chosen(library)) == 1 and changes(library) == 0
    assert len({chunk.document_id for chunk in library.find("Blumen bees")}) == 2
    assert_agrees(library)


def test_documents_choose_for_their_reference_alone(library: Library):
    with tenant_scope(library.tenant_id):
        assistant = Assistant.objects.create(workspace_id=library.reference.workspace_id, name="Ada")
    base = create_knowledge_base(actor=library.person.actor, assistant_id=assistant.pk, name="Own")
    with tenant_scope(library.tenant_id):
        own = replace(library, reference=Reference.objects.get(knowledge_base=base))
    for one, name, text in ((own, "german.md", GERMAN), (library, "bees.md", BEES)):
        one.queue(one.upload(name, text))
    library.work()
    german, bees = library.documents()["german.md"], library.documents()["bees.md"]
    assert (models_of(german), models_of(bees)) == ({E5}, {MINILM})
    with tenant_scope(library.tenant_id):
        assert KnowledgeBase.objects.get(pk=base.pk).vector_db_id == collection_name(E5)
    assert {chunk.document_id for chunk in library.find("bees Bienen")} == {german.pk, bees.pk}


def test_later_documents_change_the_model_in_the_background_and_once(library: Library):
    """After a rollback, the person's choice stays."""
    library.add("bees.md", BEES)
    german = library.add("german.md", GERMAN)
    assert models_of(german) == {MINILM} and changes(library) == 1
    work_all(library)
    assert reference_of(library).embedding_model == E5 and models_of(german) >= {E5}
    assert len(vectors(library, E5)) == 2
    assert [chunk.document_id for chunk in library.find("Blumen und Honigbienen")][:1] == [german.pk]
    roll_back_reembedding(actor=library.person.actor, reference=reference_of(library))
    work_all(library)
    library.add("more.md", GERMAN + RIVERS)
    work_all(library)
    assert (reference_of(library).embedding_model, changes(library)) == (Reference.AUTO, 1)


def test_change_that_was_rolled_back_before_its_end_is_not_tried_again(library: Library):
    library.add("bees.md", BEES)
    library.add("german.md", GERMAN)
    roll_back_reembedding(actor=library.person.actor, reference=reference_of(library))
    work_all(library)
    library.add("more.md", GERMAN + RIVERS)
    assert (reference_of(library).embedding_model, changes(library)) == (Reference.AUTO, 1)


def test_first_documents_after_a_rollback_choose_nothing_that_is_being_removed(library: Library):
    library.add("bees.md", BEES)
    german = library.add("german.md", GERMAN)
    roll_back_reembedding(actor=library.person.actor, reference=reference_of(library))
    ids = [german.pk, library.documents()["bees.md"].pk]
    delete_documents(actor=library.person.actor, document_ids=ids)
    library.work()
    later = library.add("later.md", GERMAN + RIVERS)
    work_all(library)
    assert {chunk.document_id for chunk in library.find("Honigbienen")} == {later.pk}
    assert_agrees(library)


def test_a_few_words_of_another_language_change_nothing(library: Library):
    for number in range(12):
        library.add(f"{number}.md", f"{BEES}\nNumber {number} of the reports about bees and their flowers.\n")
    library.add("german.md", GERMAN)
    assert (reference_of(library).embedding_model, changes(library)) == (Reference.AUTO, 0)


@pytest.mark.parametrize("model", ["", MINILM])
def test_chosen_models_stay(library: Library, model: str):
    change(library, embedding_model=model)
    document = library.add("german.md", GERMAN)
    assert (models_of(document), reference_of(library).embedding_model) == ({MINILM}, model)
    assert changes(library) == 0


def test_auto_is_what_the_passages_choose(library: Library):
    """Saved again after they have chosen, it changes nothing; on another model, it changes that."""
    library.add("german.md", GERMAN)
    change(library, embedding_model=Reference.AUTO)
    assert (reference_of(library).embedding_model, changes(library)) == (E5, 0)
    change(library, embedding_model=MINILM)
    work_all(library)
    assert model_for(reference_of(library)) == MINILM
    roll_back_reembedding(actor=library.person.actor, reference=reference_of(library))
    work_all(library)
    assert reference_of(library).embedding_model == E5


def test_endpoint_of_the_installation_is_kept(settings: Any, endpoint: Endpoint, library: Library):
    """Which languages it reads is not known, unless the setting says so."""
    first = library.add("german.md", GERMAN)
    assert models_of(first) == {endpoint_model()} and reference_of(library).embedding_model == Reference.AUTO
    settings.EMBEDDING_LANGUAGES = ["en"]
    library.add("more.md", GERMAN + RIVERS)
    work_all(library)
    assert reference_of(library).embedding_model == E5


def endpoint_model() -> str:
    return next(iter(embedder_configs()))
