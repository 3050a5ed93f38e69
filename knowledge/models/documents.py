"""Documents, their chunks, and the vectors of those."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import ExpressionWrapper, Q

from core.bounded_fields import BoundedJSONField
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.models import SoftDeleteModel, TenantModel, one_of
from core.name_fields import FileNameField
from knowledge.models.references import Reference


class DocumentStatus(models.TextChoices):
    PENDING = "pending"
    PROCESSING = "processing"
    DONE = "done"
    ERROR = "error"


class Document(SoftDeleteModel):
    """One file of a reference.

    pending → processing → done | error. A replaced or retried document is pending again; meanwhile searches find its
    published generation.

    `external_id` identifies it in its source: a path below the folder that was ingested, or its place in an archive.
    `container` is the archive or mail that it was found in.

    `generation` is the published one, 0 before the first; `file_generation` is that of `file_path`, `sha256` and
    `size_bytes`, and is ahead of it while a new file is processed. `versions` are those of the parser, chunker, tagger,
    words and model that made the generation (`knowledge.pipeline.ports.Ports.versions_of`). `metadata_json` is from users
    and sources, `file_metadata_json` from the file itself. `warnings` says what of the file was not read, or not reliably:
    {code of `engines.parsing.warnings`: sentences}.

    `changed_in` is the number of the transaction that last wrote the row. A trigger sets it, so that `changes/` skips no
    change (decision 38). `trashed_until` is when a deleted document that can be restored is removed for good.
    `left_references` are those that it was moved out of, whose readers see it as deleted there.
    """

    reference = TenantForeignKey(Reference, related_name="documents")
    container = TenantForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        related_name="members",
    )
    external_id = FileNameField(max_length=1024)
    filename = FileNameField(max_length=255)
    file_path = models.CharField(max_length=1024, editable=False)
    mime_type = models.CharField(max_length=255, blank=True, editable=False)
    size_bytes = models.PositiveBigIntegerField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    metadata_json = BoundedJSONField("metadata", default=dict, blank=True)
    file_metadata_json = models.JSONField("metadata of the file", default=dict, blank=True, editable=False)
    text = models.TextField(blank=True, editable=False)
    warnings = models.JSONField(default=dict, blank=True, editable=False)
    has_warnings = models.GeneratedField(
        expression=ExpressionWrapper(~Q(warnings={}), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    processed_status = models.CharField(
        "status",
        max_length=16,
        choices=DocumentStatus.choices,
        default=DocumentStatus.PENDING,
        editable=False,
    )
    error_code = models.CharField(max_length=64, blank=True, editable=False)
    error_detail = models.TextField(blank=True, editable=False)
    generation = models.PositiveIntegerField(default=0, editable=False)
    file_generation = models.PositiveIntegerField(default=1, editable=False)
    versions = models.JSONField(default=dict, blank=True, editable=False)
    changed_in = models.BigIntegerField(default=0, editable=False)
    trashed_until = models.DateTimeField(null=True, blank=True, editable=False)
    left_references = ArrayField(models.UUIDField(), default=list, blank=True, editable=False)

    class Meta(SoftDeleteModel.Meta):
        db_table = "documents"
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "external_id"],
                condition=Q(deleted_at__isnull=True),
                name="documents_external_id_alive_key",
            ),
            one_of("documents", "processed_status", DocumentStatus),
        ]
        indexes = [
            NamedIndex(fields=["reference", "processed_status"], name="idx_documents_kb_status"),
            NamedIndex(fields=["tenant", "-created_at"], name="idx_documents_tenant_created"),
            NamedIndex(
                fields=["tenant", "processed_status", "-updated_at"],
                condition=Q(deleted_at__isnull=True) & ~Q(processed_status=DocumentStatus.DONE),
                name="idx_documents_not_done",
            ),
            NamedIndex(fields=["tenant", "sha256"], name="idx_documents_tenant_sha256"),
            NamedIndex(fields=["tenant", "changed_in", "id"], name="idx_documents_tenant_changed_in"),
            NamedIndex(
                fields=["tenant", "-deleted_at"],
                condition=Q(trashed_until__isnull=False),
                name="idx_documents_trashed",
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class Chunk(TenantModel):
    """A part of a document's text. Its id is derived from document, generation and position, and is its point's id in the
    vector store. `text` is `document.text[start:end]` of its generation; if that begins within a table, after the lines that
    name the table's columns. `content_sha256` is of the text that was embedded, so that the same text is not embedded again.
    `page` and `last_page` are those of its first and last word. `language` is a code of ISO 639-1, or "" where it is not
    certain."""

    document = TenantForeignKey(Document, related_name="chunks")
    generation = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    text = models.TextField()
    content_sha256 = models.CharField(max_length=64)
    page = models.PositiveIntegerField(null=True, blank=True)
    last_page = models.PositiveIntegerField(null=True, blank=True)
    heading_path = ArrayField(models.TextField(), default=list, blank=True)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    token_count = models.PositiveIntegerField()
    language = models.CharField(max_length=8, default="", blank=True)
    tags_text = ArrayField(models.TextField(), default=list, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = "passage"
        db_table = "chunks"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "generation", "position"], name="chunks_document_generation_position_key"
            ),
        ]
        indexes = [NamedIndex(fields=["tenant", "-created_at"], name="idx_chunks_tenant_created")]

    def __str__(self) -> str:
        return f"{self.position}: {self.text[:60]}"


class Embedding(TenantModel):
    """One vector of a chunk: `vector_ref` is collection/point id."""

    chunk = TenantForeignKey(Chunk, related_name="embeddings")
    model = models.CharField(max_length=255)
    vector_ref = models.CharField(max_length=255)

    class Meta(TenantModel.Meta):
        db_table = "embeddings"
        constraints = [
            models.UniqueConstraint(fields=["chunk", "model"], name="embeddings_chunk_model_key"),
        ]

    def __str__(self) -> str:
        return self.vector_ref
