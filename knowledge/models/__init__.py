"""References, documents, and what the pipeline makes of them."""

from knowledge.models.bulk_changes import BulkChange, BulkKind
from knowledge.models.connectors import (
    Connector,
    ConnectorItem,
    ConnectorKind,
    ConnectorRun,
    ItemOutcome,
    RunStage,
)
from knowledge.models.documents import Chunk, Document, DocumentStatus, Embedding
from knowledge.models.evaluation import EvaluationCase, EvaluationRun, EvaluationSet
from knowledge.models.files import FileBatch, FileUpload, StoredFile, UploadPart
from knowledge.models.jobs import IngestionJob, JobKind, Stage
from knowledge.models.reembedding import Reembedding, ReembeddingStage
from knowledge.models.references import KnowledgeBase, KnowledgeBaseReference, Reference
from knowledge.models.tags import DocumentTag, RuleKind, Tag, TagColour, TagLink, TagRule
from knowledge.pipeline.values import TagSource

__all__ = [
    "BulkChange",
    "BulkKind",
    "Chunk",
    "Connector",
    "ConnectorItem",
    "ConnectorKind",
    "ConnectorRun",
    "Document",
    "DocumentStatus",
    "DocumentTag",
    "Embedding",
    "EvaluationCase",
    "EvaluationRun",
    "EvaluationSet",
    "FileBatch",
    "FileUpload",
    "IngestionJob",
    "ItemOutcome",
    "JobKind",
    "KnowledgeBase",
    "KnowledgeBaseReference",
    "Reembedding",
    "ReembeddingStage",
    "Reference",
    "RuleKind",
    "RunStage",
    "Stage",
    "StoredFile",
    "Tag",
    "TagColour",
    "TagLink",
    "TagRule",
    "TagSource",
    "UploadPart",
]
