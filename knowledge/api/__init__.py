"""References, documents, tags and search over REST."""

from knowledge.api.chunks import ChunkViewSet, IngestionJobViewSet
from knowledge.api.connectors import ConnectorRunViewSet, ConnectorViewSet
from knowledge.api.documents import DocumentViewSet
from knowledge.api.evaluation import EvaluationCaseViewSet, EvaluationRunViewSet, EvaluationSetViewSet
from knowledge.api.references import (
    KnowledgeBaseViewSet,
    ReferenceViewSet,
    TagLinkViewSet,
    TagRuleViewSet,
    TagViewSet,
)
from knowledge.api.search import SearchViewSet

ROUTES = {
    "references": ReferenceViewSet,
    "knowledge-bases": KnowledgeBaseViewSet,
    "documents": DocumentViewSet,
    "chunks": ChunkViewSet,
    "ingestion-jobs": IngestionJobViewSet,
    "search": SearchViewSet,
    "connectors": ConnectorViewSet,
    "connector-runs": ConnectorRunViewSet,
    "tags": TagViewSet,
    "tag-links": TagLinkViewSet,
    "tag-rules": TagRuleViewSet,
    "evaluation-sets": EvaluationSetViewSet,
    "evaluation-cases": EvaluationCaseViewSet,
    "evaluation-runs": EvaluationRunViewSet,
}
