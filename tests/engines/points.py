"""Points and shortcuts for the tests of the vector store port."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engines.vectors import Filter, Hit, Mode, Point, Query, VectorStore

ACME, STRANGER = UUID(int=0xA), UUID(int=0xB)
HANDBOOK, WIKI = UUID(int=0x10), UUID(int=0x11)
REPORT, MEMO = UUID(int=0x20), UUID(int=0x21)
RED, GREEN, BLUE = UUID(int=0x30), UUID(int=0x31), UUID(int=0x32)
NAME = "minilm-int8"
EVERYTHING = Filter()


def point(
    number: int,
    text: str = "",
    *,
    document: UUID = REPORT,
    reference: UUID = HANDBOOK,
    generation: int = 1,
    vector: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0),
    tags: tuple[UUID, ...] = (),
    language: str | None = None,
    metadata: dict[str, Any] | None = None,
    **fields: object,
) -> Point:
    return Point(
        id=UUID(int=number),
        document_id=document,
        reference_id=reference,
        generation=generation,
        vector=vector,
        text=text,
        language=language,
        tag_ids=tags,
        metadata={**fields, **(metadata or {})},
    )


def ids(store: VectorStore, name: str, filter: Filter = EVERYTHING, tenant: UUID = ACME) -> list[int]:
    return [stored.id.int for stored in store.scroll(tenant, name, filter)]


def hit_ids(hits: list[Hit]) -> list[int]:
    return [hit.point_id.int for hit in hits]


def search_sparse(store: VectorStore, name: str, text: str, tenant: UUID = ACME, **options: Any) -> list[Hit]:
    return store.search(tenant, name, Query(mode=Mode.SPARSE, text=text, **options))
