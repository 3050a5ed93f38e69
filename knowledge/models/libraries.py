"""References (libraries of documents) and the knowledge bases through which assistants read them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from assistants.models import Assistant
from core.isolation.constraints import SameTenant, isolated
from core.models import Index, SoftDeleteModel, TenantModel, unique_alive
from knowledge.pipeline.values import ChunkSettings
from workspaces.models import Workspace

MIN_CHUNK_TOKENS = 32


class KnowledgeBase(SoftDeleteModel):
    """What one assistant reads: any number of references, and one private reference of its own. `vector_db_id` names
    the collection that its points are in."""

    assistant = models.ForeignKey(
        Assistant, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="knowledge_bases"
    )
    name = models.CharField(max_length=255)
    references: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "Reference", through="KnowledgeBaseReference", related_name="knowledge_bases"
    )
    vector_db_id = models.CharField(max_length=255, null=True, blank=True, editable=False)  # noqa: DJ001 (seed)

    class Meta(SoftDeleteModel.Meta):
        db_table = "knowledge_bases"
        constraints = [
            *isolated("knowledge_bases", "assistant"),
            unique_alive("knowledge_bases", "assistant", "name"),
        ]
        indexes = [Index(fields=["assistant"], name="idx_knowledge_bases_assistant_id")]

    def __str__(self) -> str:
        return self.name


class Reference(SoftDeleteModel):
    """A library of documents in a workspace; private to a knowledge base if that is set. When `embedding_model`,
    `chunk_tokens` or `chunk_overlap` changes, its documents are ingested anew."""

    workspace = models.ForeignKey(
        Workspace, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="references"
    )
    knowledge_base = models.OneToOneField(
        KnowledgeBase,
        models.DO_NOTHING,
        null=True,
        blank=True,
        editable=False,
        db_constraint=False,
        related_name="private_reference",
    )
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    embedding_model = models.CharField(max_length=255, blank=True, help_text="Empty: the installation's own.")
    chunk_tokens = models.PositiveIntegerField(
        "passage length",
        null=True,
        blank=True,
        help_text="At most so many tokens; empty: as many as the embedding model reads.",
    )
    chunk_overlap = models.PositiveIntegerField(
        "passage overlap",
        default=0,
        blank=True,
        help_text="So many tokens at a passage's beginning are those at the end of the one before.",
    )
    metadata_json = models.JSONField("metadata", default=dict, blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "references"
        constraints = [
            *isolated("references", "workspace"),
            SameTenant("knowledge_base", name="references_knowledge_base_same_tenant"),
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
        indexes = [Index(fields=["workspace"], name="idx_references_workspace_id")]

    def __str__(self) -> str:
        return self.name

    @property
    def chunk_settings(self) -> ChunkSettings:
        return ChunkSettings(max_tokens=self.chunk_tokens, overlap=self.chunk_overlap)


class KnowledgeBaseReference(TenantModel):
    """A knowledge base reads a reference."""

    knowledge_base = models.ForeignKey(
        KnowledgeBase, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="reference_links"
    )
    reference = models.ForeignKey(
        Reference, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="knowledge_base_links"
    )

    class Meta(TenantModel.Meta):
        db_table = "knowledge_base_references"
        constraints = [
            *isolated("knowledge_base_references", "knowledge_base", "reference"),
            models.UniqueConstraint(
                fields=["knowledge_base", "reference"], name="knowledge_base_references_key"
            ),
        ]
        indexes = [Index(fields=["reference"], name="idx_knowledge_base_references_reference_id")]

    def __str__(self) -> str:
        return f"{self.knowledge_base} reads {self.reference}"
