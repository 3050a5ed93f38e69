"""The tags of references, and which chunks have them, from which source."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.bounded_fields import BoundedTextField
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.limits import Limit
from core.models import TenantModel, one_of
from core.name_fields import TagField
from knowledge.models.documents import Chunk, Document
from knowledge.models.references import Reference
from knowledge.pipeline.values import MAX_VOCABULARY, TagSource

SOURCES = [(source.value, source.label) for source in TagSource]


class TagColour(models.TextChoices):
    TEAL = "", "Teal"
    GREY = "grey"
    BLUE = "blue"
    VIOLET = "violet"
    PINK = "pink"
    RED = "red"
    AMBER = "amber"
    GREEN = "green"


class Tag(TenantModel):
    """A tag of a reference's vocabulary. `source` is where it came from. `description` helps `ai` tagging. Every chunk of
    the reference has an `inherited` tag. `vector` is that of tag and description, after a key
    (`knowledge.ingestion.vocabulary`)."""

    limit = Limit(MAX_VOCABULARY, "reference")

    reference = TenantForeignKey(Reference, related_name="tags")
    tag = TagField(max_length=255)
    description = BoundedTextField(blank=True)
    source = models.CharField(max_length=16, choices=SOURCES, default=TagSource.MANUAL)
    inherited = models.BooleanField(
        default=False, help_text="Every passage of the reference carries this tag."
    )
    colour = models.CharField(max_length=16, choices=TagColour.choices, default=TagColour.TEAL, blank=True)
    vector = models.BinaryField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "tags"
        constraints = [
            models.UniqueConstraint(fields=["reference", "tag"], name="tags_reference_tag_key"),
            one_of("tags", "source", TagSource),
            one_of("tags", "colour", TagColour),
        ]

    def __str__(self) -> str:
        return self.tag


class RuleKind(models.TextChoices):
    KEYWORD = "keyword"
    REGEX = "regex", "Regular expression"


class TagRule(TenantModel):
    """Tags chunks that contain the keyword (whole words, any case), or match the regular expression. `switched_off` says why
    the rule is not used; it is empty for rules in use, and after a rule was saved."""

    limit = Limit(200, "tag__reference")

    tag = TenantForeignKey(Tag, related_name="rules")
    kind = models.CharField(max_length=16, choices=RuleKind.choices, default=RuleKind.KEYWORD)
    pattern = models.CharField(max_length=1000)
    switched_off = models.CharField(max_length=500, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "tag_rules"
        constraints = [
            models.UniqueConstraint(fields=["tag", "kind", "pattern"], name="tag_rules_pattern_key"),
            one_of("tag_rules", "kind", RuleKind),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.pattern}"


class DocumentTag(TenantModel):
    """A tag of a whole document, by hand, by a workflow or imported; the chunks of each new generation get it."""

    limit = Limit(500, "document")

    document = TenantForeignKey(Document, related_name="document_tags")
    tag = TenantForeignKey(Tag, related_name="document_tags")
    source = models.CharField(max_length=16, choices=SOURCES, default=TagSource.MANUAL)
    actor_id = models.UUIDField(null=True, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "document_tags"
        constraints = [
            models.UniqueConstraint(fields=["document", "tag"], name="document_tags_key"),
            models.CheckConstraint(
                condition=Q(source__in=[TagSource.MANUAL, TagSource.WORKFLOW, TagSource.IMPORT]),
                name="document_tags_source_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document}: {self.tag}"


class TagLink(TenantModel):
    """A chunk has a tag: from which source, with which confidence (0 to 1), and set by whom."""

    tag = TenantForeignKey(Tag, related_name="links")
    chunk = TenantForeignKey(Chunk, related_name="tag_links")
    source = models.CharField(max_length=16, choices=SOURCES)
    confidence = models.FloatField(default=1.0)
    actor_id = models.UUIDField(null=True, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "tag_links"
        constraints = [
            models.UniqueConstraint(fields=["chunk", "tag"], name="tag_links_key"),
            one_of("tag_links", "source", TagSource),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="tag_links_confidence_valid"
            ),
        ]
        indexes = [
            NamedIndex(fields=["tenant", "-created_at"], name="idx_tag_links_tenant_created"),
        ]

    def __str__(self) -> str:
        return f"{self.tag} ({self.source}, {self.confidence:.2f})"
