"""References, and the knowledge bases through which assistants read them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from assistants.models import Assistant
from core.bounded_fields import BoundedJSONField, BoundedTextField
from core.isolation.fields import TenantForeignKey, TenantOneToOneField
from core.limits import Limit
from core.models import SoftDeleteModel, TenantModel, unique_alive
from core.name_fields import NameField
from knowledge.pipeline.values import ChunkSettings
from workspaces.models import Workspace

MIN_CHUNK_TOKENS = 32


class KnowledgeBase(SoftDeleteModel):
    """What one assistant reads: any number of references, and one private reference of its own. `vector_db_id` names
    the collection that has the points of that reference's documents."""

    limit = Limit(100, "assistant")

    assistant = TenantForeignKey(Assistant, related_name="knowledge_bases")
    name = NameField(max_length=255)
    references: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "Reference", through="KnowledgeBaseReference", related_name="knowledge_bases"
    )
    vector_db_id = models.CharField(max_length=255, null=True, blank=True, editable=False)  # noqa: DJ001 (seed)

    class Meta(SoftDeleteModel.Meta):
        db_table = "knowledge_bases"
        constraints = [
            unique_alive("knowledge_bases", "assistant", "name"),
        ]

    def __str__(self) -> str:
        return self.name


class Reference(SoftDeleteModel):
    """A set of documents in a workspace, private to a knowledge base if that is set. A change of `embedding_model`,
    `chunk_tokens` or `chunk_overlap` re-indexes its documents."""

    limit = Limit(10_000, "workspace")
    # The installation's own embedding model, as long as it reads the documents' languages.
    AUTO = "auto"

    workspace = TenantForeignKey(Workspace, related_name="references")
    knowledge_base = TenantOneToOneField(
        KnowledgeBase,
        null=True,
        blank=True,
        editable=False,
        related_name="private_reference",
    )
    name = NameField(max_length=255)
    description = BoundedTextField(blank=True)
    embedding_model = models.CharField(
        max_length=255,
        blank=True,
        default=AUTO,
        help_text="`auto`: the installation's own, until documents are in languages that it does not read, then the "
        "multilingual one. Empty: the installation's own.",
    )
    chunk_tokens = models.PositiveIntegerField(
        "passage length",
        null=True,
        blank=True,
        help_text="At most so many tokens of the embedding model; empty: 254.",
    )
    chunk_overlap = models.PositiveIntegerField(
        "passage overlap",
        default=0,
        blank=True,
        help_text="So many tokens at a passage's beginning are those at the end of the one before.",
    )
    metadata_json = BoundedJSONField("metadata", default=dict, blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "references"
        constraints = [
            unique_alive("references", "workspace", "name"),
            models.CheckConstraint(
                condition=Q(chunk_tokens=None) | Q(chunk_tokens__gte=MIN_CHUNK_TOKENS),
                name="references_chunk_tokens_valid",
                violation_error_message=f"A passage has a length of {MIN_CHUNK_TOKENS} tokens or more.",
            ),
            models.CheckConstraint(
                condition=Q(chunk_overlap=0) | Q(chunk_tokens__gte=2 * F("chunk_overlap")),
                name="references_chunk_overlap_valid",
                violation_error_message="Passages overlap by at most half of their length: give their length, too.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def chunk_settings(self) -> ChunkSettings:
        return ChunkSettings(max_tokens=self.chunk_tokens, overlap=self.chunk_overlap)


class KnowledgeBaseReference(TenantModel):
    """A knowledge base reads a reference."""

    limit = Limit(200, "knowledge_base")

    knowledge_base = TenantForeignKey(KnowledgeBase, related_name="reference_links")
    reference = TenantForeignKey(Reference, related_name="knowledge_base_links")

    class Meta(TenantModel.Meta):
        db_table = "knowledge_base_references"
        constraints = [
            models.UniqueConstraint(
                fields=["knowledge_base", "reference"], name="knowledge_base_references_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.knowledge_base} reads {self.reference}"
