"""The routes of `/api/v1/`."""

from rest_framework.routers import SimpleRouter

from assistants.api import AssistantViewSet, InstructionViewSet, TeammateViewSet
from audit.api import AuditLogViewSet
from knowledge.api.documents import DocumentViewSet
from knowledge.api.libraries import (
    KnowledgeBaseViewSet,
    ReferenceViewSet,
    TagLinkViewSet,
    TagRuleViewSet,
    TagViewSet,
)
from knowledge.api.passages import ChunkViewSet, IngestionJobViewSet, SearchViewSet
from knowledge.api.usage import UsageViewSet
from tenants.api.organisation import ApiKeyViewSet, InvitationViewSet, MemberViewSet, OrganisationViewSet
from workflows.api import WorkflowStepViewSet, WorkflowViewSet
from workspaces.api import DataSourceViewSet, IntegrationConfigViewSet, WorkspaceViewSet

ROUTES = {
    "tenants": OrganisationViewSet,
    "members": MemberViewSet,
    "invitations": InvitationViewSet,
    "api-keys": ApiKeyViewSet,
    "usage": UsageViewSet,
    "audit-logs": AuditLogViewSet,
    "workspaces": WorkspaceViewSet,
    "integration-configs": IntegrationConfigViewSet,
    "data-sources": DataSourceViewSet,
    "teammates": TeammateViewSet,
    "assistants": AssistantViewSet,
    "instructions": InstructionViewSet,
    "references": ReferenceViewSet,
    "knowledge-bases": KnowledgeBaseViewSet,
    "documents": DocumentViewSet,
    "chunks": ChunkViewSet,
    "ingestion-jobs": IngestionJobViewSet,
    "search": SearchViewSet,
    "tags": TagViewSet,
    "tag-links": TagLinkViewSet,
    "tag-rules": TagRuleViewSet,
    "workflows": WorkflowViewSet,
    "workflow-steps": WorkflowStepViewSet,
}
router = SimpleRouter()
for name, view in ROUTES.items():
    router.register(name, view, basename=name)
urlpatterns = router.urls
