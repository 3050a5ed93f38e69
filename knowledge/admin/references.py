"""References and knowledge bases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget

from audit.admin import AuditedAdmin
from core.admin import (
    TenantForm,
    action,
    actor_of,
    display,
    redirect_or_htmx,
    show_domain_errors,
)
from core.admin.home import MOST_COUNTED, counted
from core.admin.theme import once
from knowledge.admin.deleting import DeletionPage
from knowledge.admin.document_columns import STATUS_COLOURS
from knowledge.admin.tags import tag_count
from knowledge.engine_config import embedder_configs
from knowledge.model_choice import languages_of_passages
from knowledge.models import (
    Document,
    DocumentStatus,
    KnowledgeBase,
    ReembeddingStage,
    Reference,
)
from knowledge.services.changing import reindex_documents
from knowledge.services.reembedding import (
    accept_reembedding,
    finish_reembedding,
    roll_back_reembedding,
    status_of,
)
from knowledge.services.references import (
    create_knowledge_base,
    delete_knowledge_bases,
    delete_references,
    document_ids_of,
    save_reference,
)

ROLL_BACK = {
    "title": "Roll back the embedding model?",
    "description": "The old vectors answer again at once, and the new ones are removed.",
    "form_submit_text": "Roll back",
}
ACCEPT = {
    "title": "Accept the embedding model?",
    "description": "It answers from then on, although it finds less of the passages that were asked for.",
    "form_submit_text": "Accept",
}
FINISH = {
    "title": "Remove the old vectors?",
    "description": "Then the embedding model cannot be rolled back.",
    "form_submit_text": "Remove",
}


def embedding_model_choices() -> list[tuple[str, str]]:
    default, *others = embedder_configs()
    return [
        (Reference.AUTO, "Chosen by the documents"),
        ("", f"The installation's own ({default})"),
        *((model, model) for model in others),
    ]


class ReferenceForm(TenantForm):
    embedding_model = forms.ChoiceField(
        choices=embedding_model_choices,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Another one takes its place as soon as all passages have vectors of it and these were checked. Changing "
        "the passages' length or overlap ingests the documents anew.",
    )

    def clean_chunk_overlap(self) -> int:
        return self.cleaned_data["chunk_overlap"] or 0


@admin.register(Reference)
class ReferenceAdmin(DeletionPage, AuditedAdmin):
    """A reference is deleted with its documents."""

    form = ReferenceForm

    nothing_yet = "A reference is a library of documents: add one, and upload files into it."
    list_display = ["name", "workspace", "description", "updated_at"]
    list_select_related = ["workspace"]
    search_fields = ["name"]
    autocomplete_fields = ["workspace"]
    ordering = ["name"]
    readonly_fields = ["documents", "vocabulary", "languages", "reembedding"]
    actions = ["reindex"]
    actions_detail = ["roll_back", "accept", "finish"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            "workspace",
            "name",
            "description",
            "embedding_model",
            *(["languages", "reembedding"] if obj else []),
            ("chunk_tokens", "chunk_overlap"),
            "documents",
            "vocabulary",
        ]

    @display(description="Documents")
    @once
    def documents(self, obj: Any) -> SafeString:
        return SafeString("–") if obj._state.adding else document_counts(obj)

    @display(description="Languages of the passages")
    @once
    def languages(self, obj: Any) -> str:
        found = languages_of_passages(obj.pk, most=MOST_COUNTED).most_common()
        shown = ", ".join(f"{language or 'uncertain'}: {number:,}" for language, number in found)
        is_cut = sum(number for _, number in found) == MOST_COUNTED
        return f"{shown} (of {MOST_COUNTED:,} passages)" if is_cut else shown or "–"

    @display(description="Vocabulary")
    @once
    def vocabulary(self, obj: Any) -> SafeString:
        return SafeString("–") if obj._state.adding else tag_count(obj)

    @display(description="Answers")
    @once
    def reembedding(self, obj: Any) -> str:
        return status_of(obj.tenant_id, obj.pk).sentence

    @action(
        description="Roll back the model",
        url_path="rollback",
        icon="undo",
        permissions=["roll_back"],
        dialog=ROLL_BACK,
    )
    @show_domain_errors
    def roll_back(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._reembed(request, object_id, roll_back_reembedding)

    @action(
        description="Accept the model", url_path="accept", icon="check", permissions=["accept"], dialog=ACCEPT
    )
    @show_domain_errors
    def accept(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._reembed(request, object_id, accept_reembedding)

    @action(
        description="Remove old vectors",
        url_path="finish",
        icon="delete_sweep",
        permissions=["finish"],
        dialog=FINISH,
    )
    @show_domain_errors
    def finish(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._reembed(request, object_id, finish_reembedding)

    def has_roll_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        stages = set(ReembeddingStage) - {ReembeddingStage.REMOVE}
        return self._is_at(request, object_id, *stages)

    def has_accept_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_at(request, object_id, ReembeddingStage.REFUSED)

    def has_finish_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._is_at(request, object_id, ReembeddingStage.KEEP)

    def _is_at(self, request: HttpRequest, object_id: Any, *stages: ReembeddingStage) -> bool:
        reference = self.get_object(request, str(object_id)) if self.has_write_permission(request) else None
        return reference is not None and status_of(reference.tenant_id, reference.pk).stage in stages

    def _reembed(self, request: HttpRequest, object_id: str, change: Callable[..., None]) -> HttpResponse:
        reference = self.get_object(request, object_id)
        if reference is None:
            return self.not_found_redirect(request, object_id)
        change(actor=actor_of(request), reference=reference)
        return redirect_or_htmx(request, reverse("admin:knowledge_reference_change", args=[object_id]))

    @admin.action(description="Re-index all their documents: apply new rules and tags", permissions=["write"])
    def reindex(self, request: HttpRequest, queryset: models.QuerySet[Reference]) -> None:
        ids = document_ids_of(queryset)
        count = reindex_documents(actor=actor_of(request), document_ids=ids) if ids else 0
        self.message_user(request, f"{count} document{' is' if count == 1 else 's are'} queued.")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        wanted = obj.embedding_model
        count = save_reference(actor=actor_of(request), reference=obj)
        if obj.embedding_model != wanted:
            self.message_user(request, status_of(obj.tenant_id, obj.pk).sentence)
        if count:
            self.message_user(request, f"{count} document{' is' if count == 1 else 's are'} queued.")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_references(actor=actor_of(request), references=[obj], to_trash=True)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        delete_references(actor=actor_of(request), references=list(queryset), to_trash=True)

    def asks_for_name(self, obj: Reference) -> bool:
        return Document.objects.filter(reference=obj.pk).exists()

    def losses(self, obj: Reference) -> list[str]:
        bases = [base.name for base in KnowledgeBase.objects.filter(reference_links__reference=obj.pk)]
        readers = (
            [f"These knowledge bases read it and will not any more: {', '.join(bases)}."] if bases else []
        )
        return [
            *_loss_of_documents([obj], "It can be restored with them from the trash for 30 days."),
            *readers,
        ]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return _deleted_objects(objs, "references", objs)


@admin.register(KnowledgeBase)
class KnowledgeBaseAdmin(DeletionPage, AuditedAdmin):
    nothing_yet = "A knowledge base says what an assistant reads: add one for each assistant."
    list_display = ["name", "assistant", "opened", "updated_at"]
    list_select_related = ["assistant"]
    search_fields = ["name"]
    autocomplete_fields = ["assistant"]
    ordering = ["name"]
    fields = ["assistant", "name", "own_documents", "opened"]
    readonly_fields = ["own_documents", "opened"]
    actions_detail = ["open"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), *(["assistant"] if obj else [])]

    @display(description="Its own documents")
    @once
    def own_documents(self, obj: Any) -> SafeString:
        private = Reference.objects.filter(knowledge_base=obj.pk).first()
        return document_counts(private) if private else SafeString("–")

    @display(description="What it reads")
    def opened(self, obj: Any) -> SafeString:
        if obj._state.adding:
            return SafeString("–")
        address = reverse("admin:open_knowledge_base", args=[obj.pk])
        return format_html('<a class="oyl-link" href="{}">References, upload, search, ask</a>', address)

    @action(description="Open", url_path="open", icon="folder_open", permissions=["view"])
    def open(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if self.get_object(request, object_id) is None:
            return self.not_found_redirect(request, object_id)
        return HttpResponseRedirect(reverse("admin:open_knowledge_base", args=[object_id]))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """What is to be done next is on its page."""
        response = super().response_add(request, obj, post_url_continue)
        if "_save" not in request.POST or IS_POPUP_VAR in request.POST:
            return response
        return HttpResponseRedirect(reverse("admin:open_knowledge_base", args=[obj.pk]))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            base = create_knowledge_base(
                actor=actor_of(request), assistant_id=obj.assistant_id, name=obj.name
            )
            obj.pk = base.pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_knowledge_bases(actor=actor_of(request), knowledge_bases=[obj])

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        delete_knowledge_bases(actor=actor_of(request), knowledge_bases=list(queryset))

    def asks_for_name(self, obj: KnowledgeBase) -> bool:
        return Document.objects.filter(reference__knowledge_base=obj.pk).exists()

    def losses(self, obj: KnowledgeBase) -> list[str]:
        private = Reference.objects.filter(knowledge_base=obj.pk)
        kept = "The references that it reads stay."
        return [*_loss_of_documents(private, "They cannot be restored."), kept]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        private = Reference.objects.filter(knowledge_base__in=[obj.pk for obj in objs])
        return _deleted_objects(objs, "knowledge bases", private)


def _deleted_objects(objs: Any, kind: str, references: Iterable[Reference]) -> Any:
    """What `get_deleted_objects` returns: the names, and the counts with those of the references' documents."""
    names, documents = [str(obj) for obj in objs], document_ids_of(references)
    counts = {kind: len(names), **({"documents": len(documents)} if documents else {})}
    return names, counts, set(), []


def _loss_of_documents(references: Iterable[Reference], sentence: str) -> list[str]:
    ids = [reference.pk for reference in references]
    number = Document.objects.filter(reference__in=ids).count()
    return [f"With it go {number:,} document{'' if number == 1 else 's'}. {sentence}"] if number else []


def document_counts(reference: Reference) -> SafeString:
    """How many documents have which status, with links to list them and to add some."""
    rows = Document.objects.filter(reference=reference.pk).order_by()
    counts = {
        status: counted(rows.filter(processed_status=status)[: MOST_COUNTED + 1].count())
        for status in DocumentStatus
    }
    listed = f"{reverse('admin:knowledge_document_changelist')}?reference__id__exact={reference.pk}"
    upload = f"{reverse('admin:knowledge_document_add')}?reference={reference.pk}"
    states = [
        (status.label, counts[status], STATUS_COLOURS[status]) for status in DocumentStatus if counts[status]
    ]
    context = {"states": states, "listed": listed, "upload": upload}
    return render_to_string("admin/knowledge/document/counts.html", context)
