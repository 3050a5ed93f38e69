"""The findings of `reconcile`, and their kinds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class FindingKind(StrEnum):
    """`wrong_tenant` is a point with this tenant's id, of a document of another tenant; the tenant that lost the point has a
    `missing_point`."""

    MISSING_POINT = "missing_point"
    ORPHAN_POINT = "orphan_point"
    STALE_GENERATION = "stale_generation"
    STALE_MODEL = "stale_model"
    WRONG_TENANT = "wrong_tenant"
    WRONG_PAYLOAD = "wrong_payload"
    WRONG_TAGS = "wrong_tags"
    MISSING_FILE = "missing_file"
    ORPHAN_FILE = "orphan_file"
    STUCK_DOCUMENT = "stuck_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`subject` is a point's id, a stored file's name or a document's id; `collection` is that of a point."""

    kind: FindingKind
    subject: str
    document_id: UUID | None = None
    collection: str = ""


@dataclass(slots=True, kw_only=True)
class Report:
    """`counts` are the findings of each kind, `repaired` is the number of repaired ones; `problems` are sentences about what
    could not be compared or repaired."""

    tenant_id: UUID
    counts: dict[FindingKind, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    repaired: int = 0
    problems: list[str] = field(default_factory=list)


def documents_of(findings: Iterable[Finding]) -> list[UUID]:
    return list(dict.fromkeys(finding.document_id for finding in findings if finding.document_id))
