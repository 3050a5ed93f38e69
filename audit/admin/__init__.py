"""The audit log's pages, and the base of pages whose changes are events."""

from audit.admin.base import AuditedAdmin, RecordedReadsAdmin
from audit.admin.log import AuditLogAdmin, PlatformEventAdmin

__all__ = ["AuditLogAdmin", "AuditedAdmin", "PlatformEventAdmin", "RecordedReadsAdmin"]
