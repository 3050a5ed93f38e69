"""References, knowledge bases and tags over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.serializers import TIMES, OylSerializer, RelatedField
from core.api.views import READ, ReadViewSet
from core.permissions import Role
from knowledge.bound_lookups import REFERENCE_LOOKUPS, lookups_through
from knowledge.models import KnowledgeBase, ReembeddingStage, Reference, Tag, TagLink, TagRule
from knowledge.pipeline.values import tag_id
from knowledge.services import reembedding, references, rules, tags
from knowledge.services.reembedding import Status

EDITOR_POSTS = {"POST": Role.EDITOR}


class ReferenceSerializer(OylSerializer[Reference]):
    class Meta(OylSerializer.Meta):
        model = Reference
        fields = (
            "id",
            "workspace",
            "knowledge_base",
            "name",
            "description",
            "embedding_model",
            "chunk_tokens",
            "chunk_overlap",
            *TIMES,
        )
        read_only_fields = ("knowledge_base",)
        fixed = ("workspace",)


class ReembeddingSerializer(serializers.Serializer[Status]):
    embedding_model = serializers.CharField(help_text="The one that answers now.")
    from_model = serializers.CharField()
    to_model = serializers.CharField()
    stage = serializers.ChoiceField(
        choices=["", *ReembeddingStage.values], help_text="Empty: no change is under way."
    )
    documents = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Documents that have no vectors of the new model yet.")
    questions = serializers.IntegerField(help_text="Sampled from the passages, to compare both models.")
    found_before = serializers.IntegerField(
        allow_null=True,
        help_text="How often the old model found the passage of a question; null: it did not answer.",
    )
    found_after = serializers.IntegerField(allow_null=True, help_text="How often the new model did.")
    problem = serializers.CharField(help_text="Why it does not go on; it is tried again.")
    switched_at = serializers.DateTimeField(allow_null=True)
    kept_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the change can be rolled back."
    )


class ReferenceViewSet(AuditedViewSet):
    """Libraries of documents. One goes with its documents. When the length or overlap of its passages changes, its documents
    are ingested anew, and answer as before until then. Another embedding model takes its place as soon as the passages have
    vectors of it and these were checked: see `reembedding`."""

    model = Reference
    area = "knowledge"
    bound_by = REFERENCE_LOOKUPS
    serializer_class = ReferenceSerializer
    filterset_fields = ["workspace", "knowledge_base", "name"]
    ordering_fields = ["name", "created_at"]

    def save_instance(self, instance: Reference) -> None:
        references.save_reference(actor=self.actor, reference=instance)

    def perform_destroy(self, instance: Reference) -> None:
        references.delete_references(actor=self.actor, references=[instance])

    @extend_schema(responses={200: ReembeddingSerializer})
    @action(detail=True, methods=["get"], roles=READ)
    def reembedding(self, request: Request, pk: str) -> Response:
        """How far the change of the embedding model is."""
        return self._reembedding(self.get_object())

    @extend_schema(request=None, responses={200: ReembeddingSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS, url_path="reembedding/rollback")
    def roll_back(self, request: Request, pk: str) -> Response:
        """Answer with the old embedding model again.

        At once; before the switch, the change is ended."""
        return self._reembedding(self.get_object(), reembedding.roll_back_reembedding)

    @extend_schema(request=None, responses={200: ReembeddingSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS, url_path="reembedding/accept")
    def accept(self, request: Request, pk: str) -> Response:
        """Switch to the new embedding model although the check has refused it."""
        return self._reembedding(self.get_object(), reembedding.accept_reembedding)

    @extend_schema(request=None, responses={200: ReembeddingSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS, url_path="reembedding/finish")
    def finish(self, request: Request, pk: str) -> Response:
        """Remove the old vectors now.

        Then the change of the embedding model cannot be rolled back."""
        return self._reembedding(self.get_object(), reembedding.finish_reembedding)

    def _reembedding(self, reference: Reference, change: Callable[..., None] | None = None) -> Response:
        if change:
            change(actor=self.actor, reference=reference)
        status = reembedding.status_of(self.actor.tenant_id, reference.pk)
        return Response(ReembeddingSerializer(status).data)


class KnowledgeBaseSerializer(OylSerializer[KnowledgeBase]):
    references = RelatedField(
        many=True,
        required=False,
        queryset=Reference.objects,
        help_text="What it reads, its own documents aside.",
    )
    private_reference = serializers.PrimaryKeyRelatedField[Reference](
        read_only=True, allow_null=True, help_text="Where documents of its own are uploaded to."
    )

    class Meta(OylSerializer.Meta):
        model = KnowledgeBase
        fields = ("id", "assistant", "name", "references", "private_reference", *TIMES)
        fixed = ("assistant",)


class KnowledgeBaseViewSet(AuditedViewSet):
    """What assistants read. One goes with the documents that were uploaded to it directly."""

    model = KnowledgeBase
    area = "knowledge"
    bound_by = {"workspace": ("assistant__workspace",), "assistant": ("assistant",)}
    serializer_class = KnowledgeBaseSerializer
    filterset_fields = ["assistant", "name"]
    ordering_fields = ["name", "created_at"]

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows.prefetch_related("references", "private_reference")

    def perform_create(self, serializer: Any) -> None:
        data = serializer.validated_data
        base = references.create_knowledge_base(
            actor=self.actor, assistant_id=data["assistant"].pk, name=data["name"]
        )
        self.check_bound(KnowledgeBase.objects.filter(pk=base.pk), self.bound_by)
        if "references" in data:
            self._set_references(base, data["references"])
        serializer.instance = base

    def perform_update(self, serializer: Any) -> None:
        chosen = serializer.validated_data.pop("references", None)
        super().perform_update(serializer)
        if chosen is not None:
            self._set_references(serializer.instance, chosen)

    def _set_references(self, base: KnowledgeBase, chosen: list[Reference]) -> None:
        ids = [reference.pk for reference in chosen]
        self.check_bound(Reference.objects.filter(pk__in=ids), REFERENCE_LOOKUPS)
        references.set_references(actor=self.actor, knowledge_base=base, reference_ids=ids)

    def perform_destroy(self, instance: KnowledgeBase) -> None:
        references.delete_knowledge_bases(actor=self.actor, knowledge_bases=[instance])


class TagSerializer(OylSerializer[Tag]):
    class Meta(OylSerializer.Meta):
        model = Tag
        fields = ("id", "reference", "tag", "description", "source", "inherited", "created_at")
        read_only_fields = ("source",)
        fixed = ("reference", "tag")


class TagViewSet(AuditedViewSet):
    """The vocabulary of references."""

    model = Tag
    area = "knowledge"
    bound_by = lookups_through("reference")
    serializer_class = TagSerializer
    filterset_fields = ["reference", "tag", "source", "inherited"]
    ordering_fields = ["tag", "created_at"]

    def validate_and_save(self, instance: Tag) -> Tag:
        """Derive the tag's id from its name."""
        if instance._state.adding:
            instance.pk = tag_id(instance.reference_id, instance.tag)
        tag: Tag = super().validate_and_save(instance)
        return tag

    def perform_destroy(self, instance: Tag) -> None:
        tags.delete_tag(actor=self.actor, tag=instance)


class TagRuleSerializer(OylSerializer[TagRule]):
    class Meta(OylSerializer.Meta):
        model = TagRule
        fields = ("id", "tag", "kind", "pattern", "switched_off", "created_at")
        read_only_fields = ("switched_off",)
        fixed = ("tag",)


class TagRuleViewSet(AuditedViewSet):
    """Which passages carry a tag by themselves. A new rule counts for documents that are processed after it. One that
    takes too long is switched off, for the reason in `switched_off`; it is used again when it is changed."""

    model = TagRule
    area = "knowledge"
    bound_by = lookups_through("tag__reference")
    serializer_class = TagRuleSerializer
    filterset_fields = ["tag", "kind"]

    def validate_and_save(self, instance: TagRule) -> TagRule:
        rules.check_rule(instance.kind, instance.pattern)
        instance.switched_off = ""
        rule: TagRule = super().validate_and_save(instance)
        return rule


class TagLinkSerializer(OylSerializer[TagLink]):
    class Meta(OylSerializer.Meta):
        model = TagLink
        fields = ("id", "tag", "chunk", "source", "confidence", "actor_id", "created_at")
        read_only_fields = fields


class TagLinkViewSet(ReadViewSet):
    """Which passage carries which tag, from which source, how surely, and set by whom."""

    model = TagLink
    area = "knowledge"
    bound_by = lookups_through("tag__reference")
    serializer_class = TagLinkSerializer
    filterset_fields = {
        "tag": ["exact"],
        "chunk": ["exact"],
        "source": ["exact"],
        "chunk__document": ["exact"],
    }
