"""References (libraries of documents) and the knowledge bases through which assistants read them."""

from __future__ import annotations

from typing import Any

from django.db import models

from assistants.models import Assistant
from core.isolation.constraints import SameTenant, isolated
from core.models import Index, SoftDeleteModel, TenantModel, unique_alive
from workspaces.models import Workspace


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
    """A library of documents in a workspace; private to a knowledge base if that is set."""

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
    metadata_json = models.JSONField("metadata", default=dict, blank=True)

    class Meta(SoftDeleteModel.Meta):
        db_table = "references"
        constraints = [
            *isolated("references", "workspace"),
            SameTenant("knowledge_base", name="references_knowledge_base_same_tenant"),
            unique_alive("references", "workspace", "name"),
        ]
        indexes = [Index(fields=["workspace"], name="idx_references_workspace_id")]

    def __str__(self) -> str:
        return self.name


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
