"""Questions of a workspace whose answers are known to be in certain documents, and how well searches have found these."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from core.bounded_fields import BoundedJSONField, BoundedTextField
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.json_schema import problems
from core.limits import Limit
from core.models import TenantModel, one_of
from core.name_fields import NameField
from workspaces.models import Workspace

MAX_EXPECTED = 20
EXPECTED: dict[str, Any] = {
    "type": "array",
    "maxItems": MAX_EXPECTED,
    "items": {
        "type": "object",
        "properties": {
            "document": {"type": "string", "format": "uuid"},
            "page": {"type": ["integer", "null"], "minimum": 1},
        },
        "required": ["document"],
        "additionalProperties": False,
    },
}


class EvaluationSet(TenantModel):
    limit = Limit(100, "workspace")

    workspace = TenantForeignKey(Workspace, related_name="evaluation_sets")
    name = NameField(max_length=255)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "evaluation_sets"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="evaluation_sets_workspace_name_key"),
        ]

    def __str__(self) -> str:
        return self.name


class EvaluationCase(TenantModel):
    """`expected_json` has the documents that answer the question, with a page or without. `source_message` is the answer
    that the case was made from: a plain id, because `knowledge` does not know conversations."""

    limit = Limit(100, "evaluation_set")

    evaluation_set = TenantForeignKey(EvaluationSet, related_name="cases")
    question = BoundedTextField()
    expected_json = BoundedJSONField(
        "expected",
        default=list,
        blank=True,
        help_text='The documents that answer it: [{"document": "<id>", "page": 3}]. Without a page, any page will do.',
    )
    source_message = models.UUIDField(null=True, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "evaluation_cases"

    def clean(self) -> None:
        super().clean()
        if found := problems(EXPECTED, self.expected_json):
            raise ValidationError({"expected_json": found})
        if len({one["document"] for one in self.expected_json}) < len(self.expected_json):
            raise ValidationError({"expected_json": "Name each document once."})

    def __str__(self) -> str:
        return str(self.question[:80])


class RunMode(models.TextChoices):
    """As `engines.vectors.Mode`."""

    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


class EvaluationRun(TenantModel):
    """The figures are means over the `cases` that have expected documents, of the first ten documents that were found.
    `ranks_json` has the rank of each expected document, by case and document; null: not found."""

    evaluation_set = TenantForeignKey(EvaluationSet, related_name="runs")
    mode = models.CharField(max_length=16, choices=RunMode.choices, default=RunMode.HYBRID)
    rerank = models.BooleanField(default=False)
    cases = models.PositiveIntegerField()
    ndcg = models.FloatField("nDCG@10")
    recall = models.FloatField("recall@10")
    hit_rate = models.FloatField("hit rate@10")
    ranks_json = models.JSONField("ranks", default=dict)

    class Meta(TenantModel.Meta):
        db_table = "evaluation_runs"
        constraints = [one_of("evaluation_runs", "mode", RunMode)]
        indexes = [
            NamedIndex(fields=["evaluation_set", "created_at"], name="idx_evaluation_runs_set_created")
        ]

    def __str__(self) -> str:
        reranked = ", reranked" if self.rerank else ""
        return f"{self.evaluation_set} ({self.mode}{reranked}), {self.created_at:%Y-%m-%d %H:%M}"
