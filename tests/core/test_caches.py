"""No cache shows one tenant what belongs to another."""

from __future__ import annotations

import ast
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import caches
from django.urls import reverse

from core.apps import oyl_apps
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import User
from tests.conftest import PASSWORD, Person, accept, browser
from tests.tenants.links import link_for

DECORATORS = {"cache", "lru_cache", "cached_property", "Singleton"}
PACKAGES = [*(config.name for config in oyl_apps()), "engines", "oyl"]
# What each of them keeps, and why it is the same for all tenants, or has the tenant in its key.
KEPT_IN_PROCESSES = {
    "audit/sentences.py:_models": "read from the source",
    "conversations/answering/asked_tables/words.py:_phrases": "read from the source",
    "conversations/answering/asked_tables/words.py:_word": "of single words",
    "conversations/answering/facts/negation.py:_words": "read from the source",
    "conversations/answering/facts/tables.py:first_by_word": "read from the source",
    "conversations/answering/grounding.py:clauses": "of the one sentence",
    "conversations/answering/grounding.py:names": "of the one sentence",
    "conversations/answering/grounding.py:numbers": "of the one sentence",
    "conversations/routing/profile_vectors.py:profile_vectors": "the tenant is in the key",
    "core/admin/pages.py:count": "of the one request",
    "core/api/bound_rows.py:_lookups_of_routes": "read from the source",
    "core/api/expansion.py:_views_by_model": "read from the source",
    "core/encryption/fields.py:_tenant_attname": "read from the source",
    "core/encryption/keyring.py:_parse_keys": "the instance's keys",
    "core/failed_attempts.py:_attempts_for": "a client of Redis",
    "core/isolation/scope.py:refuse_unsafe_role": "the database's role",
    "core/look_alikes.py:_prototype": "of a single character",
    "core/look_alikes.py:_skeletons": "of a name, and reveals nothing",
    "core/rate_limits.py:_limiter_for": "a client of Redis, and counts by credential",
    "core/request_work.py:bulk_slots": "counts by tenant",
    "core/request_work.py:connection_slots": "counts by tenant",
    "core/request_work.py:embedding_slots": "counts by tenant",
    "core/request_work.py:search_slots": "counts by tenant",
    "knowledge/connectors/pages.py:_base": "of the one page",
    "knowledge/connectors/pages.py:canonical": "of the one page",
    "knowledge/connectors/pages.py:links": "of the one page",
    "knowledge/connectors/pages.py:robots": "of the one page",
    "workspaces/integrations/clients/storage.py:guard": "a proxy, which reads the operator's rules each time",
    "engines/chat/__init__.py:get_chat_model": "by configuration, which has the tenant's key",
    "engines/chat/endpoint.py:outbound_client": "by the operator's list of addresses",
    "engines/embedding/__init__.py:get_embedder": "by configuration",
    "engines/embedding/cosines.py:measured_cosines": "of the model",
    "engines/embedding/openai_compatible.py:dimensions": "of the model",
    "engines/embedding/tokens.py:_token_starts": "of single words, and only their number of tokens",
    "engines/languages.py:_detector": "a detector without state",
    "engines/parsing/__init__.py:get_parser": "by configuration",
    "engines/parsing/detect.py:content_model": "a model",
    "engines/parsing/texts/legacy_encodings.py:load": "models",
    "engines/parsing/texts/legacy_encodings.py:guess": "by the bytes that are read",
    "engines/parsing/mail/mapi.py:_encoding": "names of encodings",
    "engines/parsing/markup/markdown.py:_parser": "a parser without state",
    "engines/parsing/sheets/number_formats.py:_sections": "of the one file that a process reads",
    "engines/parsing/pictures/ocr.py:engine": "a model",
    "engines/parsing/sandbox.py:readable": "paths of programs and libraries",
    "engines/parsing/sheets/tables.py:column_number": "names of columns",
    "engines/parsing/word/xml.py:_path": "names of elements",
    "engines/tables/__init__.py:get_tables": "processes that keep nothing of a query",
    "workspaces/data_sources/querying.py:query_slots": "counts by tenant",
    "engines/reranking/__init__.py:get_reranker": "by configuration",
    "engines/vectors/__init__.py:get_vector_store": "by configuration",
    "engines/vectors/bm25.py:_asked": "hashes of the arguments, which are the whole key",
    "engines/vectors/bm25.py:_known_tokens": "hashes of the keys",
    "engines/vectors/bm25.py:words_of_question": "hashes of the arguments, which are the whole key",
    "engines/words/stems.py:_algorithms": "of a letter",
    "engines/words/stems.py:_stemmer": "rules of a language",
    "engines/vectors/bm25.py:_all_stop_words": "read from the source",
    "engines/words/stop_words.py:stop_words": "read from the source",
    "engines/vectors/filters.py:_term": "a hash of the arguments, which are the whole key",
    "jobs/handlers.py:handlers": "read from the source",
    "jobs/turns.py:turns": "counts by tenant",
    "knowledge/pipeline/embedding.py:cached_vector": "the tenant is in the key",
    "knowledge/search/document_types.py:_mime_types": "read from the registry of formats",
    "knowledge/search/language_names.py:_codes": "read from Django",
    "knowledge/search/passages.py:phrases": "of the one condition",
    "knowledge/search/phrases.py:_is_inner": "of a character",
    "knowledge/search/phrases.py:_pattern": "by the symbols of a phrase, without its words",
    "workflows/definition.py:_read": "the tenant is in the key",
    "workflows/definition.py:_positions": "of the one definition",
    "workflows/definition.py:mentioned": "of the one step",
    "workflows/steps/http_request.py:_client": "by the operator's list of addresses",
    "workflows/steps/registry.py:step_types": "read from the source",
    "oyl/api.py:_group_serializer": "read from the source",
    "oyl/openapi.py:_render": "read from the source",
    "oyl/openapi.py:document": "read from the source",
    "oyl/sidebar.py:_sections": "read from the source",
    "oyl/sidebar.py:section_of": "read from the source",
}


@pytest.mark.parametrize("alias", settings.CACHES)
def test_every_cache_keeps_tenants_apart(alias: str, owner: Person, stranger: Person):
    name = uuid4().hex
    for person in (owner, stranger):
        with tenant_scope(person.tenant_id):
            assert caches[alias].get(name) is None
            caches[alias].set(name, str(person.tenant_id))
    assert caches[alias].get(name) is None
    with tenant_scope(owner.tenant_id):
        assert caches[alias].get(name) == str(owner.tenant_id)


def test_search_of_the_theme_is_not_answered_from_another_tenant(owner: Person, stranger: Person):
    """The owner sees the pages of an owner in their tenant, and those of a viewer in the other, also within minutes."""
    accept(link_for(stranger, owner.user.email, Role.VIEWER), current_password=PASSWORD)
    client = browser(User.objects.get(pk=owner.user.pk))

    def found() -> str:
        answer = client.get(reverse("admin:search"), {"s": "api keys"})
        assert answer.status_code == 200
        return str(answer.content.decode())

    switch = reverse("admin:switch_tenant")
    client.post(switch, {"tenant": str(owner.tenant_id)})
    assert "apikey" in found()
    client.post(switch, {"tenant": str(stranger.tenant_id)})
    assert "apikey" not in found()
    client.post(switch, {"tenant": str(owner.tenant_id)})
    assert "apikey" in found()


def test_every_cache_in_a_process_is_declared():
    """With no cache that only Django's `caches` would find."""
    found, imports = set(), set()
    for package in PACKAGES:
        for path in (settings.BASE_DIR / package).rglob("*.py"):
            name, source = path.relative_to(settings.BASE_DIR).as_posix(), path.read_text()
            is_relevant = any(word in source for word in (*DECORATORS, "django.core.cache"))
            for node in ast.walk(ast.parse(source)) if is_relevant else ():
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    decorators = map(_name, node.decorator_list)
                    found |= {f"{name}:{node.name}" for one in decorators if one in DECORATORS}
                elif isinstance(node, ast.ImportFrom) and node.module == "django.core.cache":
                    imports.add(name)
    assert found == set(KEPT_IN_PROCESSES)
    assert imports == set()


def _name(decorator: ast.expr) -> str:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_vectors_of_queries_are_kept_by_tenant():
    source = Path(settings.BASE_DIR / "knowledge/pipeline/embedding.py").read_text()
    assert "def cached_vector(embedder: Embedder, tenant_id: UUID, text: str)" in source
