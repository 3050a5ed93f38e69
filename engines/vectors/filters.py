"""A tenant and a `Filter` as one filter in Qdrant's own JSON. Every read, delete and change goes through
`tenant_filter`; there is no other place where a filter is made."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeGuard
from uuid import UUID

from engines.vectors import Condition, Filter, Matches, VectorStoreError

Spec = dict[str, Any]

TENANT, REFERENCE, DOCUMENT, TAGS, TERMS = "tenant_id", "reference_id", "document_id", "tag_ids", "terms"
GENERATION, METADATA = "generation", "metadata"
UUID_FIELDS = (REFERENCE, DOCUMENT, TAGS)

_COLLECTION = re.compile(r"[a-z0-9][a-z0-9_.-]{0,100}", re.IGNORECASE | re.ASCII)
_CLAUSES = {"all": "must", "any": "should", "none": "must_not"}
_BOUNDS = {"gt", "gte", "lt", "lte"}
_Scalar = str | int | float | bool | None


def checked_name(collection: str) -> str:
    """The name of a collection, which may become part of a path or an address."""
    if not _COLLECTION.fullmatch(collection):
        raise invalid(
            "collection", f"{collection!r} is no name of a collection: use letters, digits, '_', '.', '-'."
        )
    return collection


def invalid(what: str, detail: str) -> VectorStoreError:
    return VectorStoreError(f"invalid_{what}", detail)


def tenant_filter(tenant_id: UUID, filter: Filter = Filter()) -> Spec:  # noqa: B008 (frozen)
    """Matches points of `tenant_id` only, whatever `filter` says."""
    must = [
        {"key": TENANT, "match": {"value": str(tenant_id)}},
        *_any_of(REFERENCE, filter.reference_ids),
        *_any_of(DOCUMENT, filter.document_ids),
        *_any_of(TAGS, filter.tags_any),
        *(condition for tag in filter.tags_all for condition in _any_of(TAGS, (tag,))),
        *(_metadata(key, value) for key, value in filter.metadata.items()),
    ]
    if filter.where:
        must.append(_condition(filter.where))
    if filter.point_ids:
        must.append({"has_id": _texts(filter.point_ids)})
    if filter.below_generation is not None:
        must.append({"key": GENERATION, "range": {"lt": filter.below_generation}})
    return {"must": must, "must_not": _any_of(TAGS, filter.tags_none)}


def metadata_terms(metadata: dict[str, Any]) -> list[int]:
    """One number for each key and value, so that one index answers equality on every key, for values of any
    length. Raises VectorStoreError when a value is neither a scalar nor a list of scalars."""
    return [_term(key, value) for key, values in metadata.items() for value in _scalars(key, values)]


def metadata_numbers(metadata: dict[str, Any]) -> dict[str, list[float]]:
    """What ranges can be asked of."""
    found = {key: list(filter(_is_number, _scalars(key, values))) for key, values in metadata.items()}
    return {key: numbers for key, numbers in found.items() if numbers}


def _any_of(key: str, ids: Iterable[UUID]) -> list[Spec]:
    texts = _texts(ids)
    return [{"key": key, "match": {"any": texts}}] if texts else []


def _texts(ids: Iterable[UUID]) -> list[str]:
    """As canonical text: anything that is no id, say a forged condition, raises ValueError here."""
    return [str(id if isinstance(id, UUID) else UUID(id)) for id in ids]


def _condition(condition: Condition) -> Spec:
    if isinstance(condition, Matches):
        return _metadata(condition.key, condition.wanted)
    if not condition.of:  # to the engine, any of none would be all
        raise invalid("filter", f"Say of what {condition.how} must hold.")
    return {_CLAUSES[condition.how]: [_condition(one) for one in condition.of]}


def _metadata(key: str, wanted: Any) -> Spec:
    if isinstance(wanted, dict):
        return {"key": _path(key), "range": _range(key, wanted)}
    return {"key": TERMS, "match": {"any": [_term(key, value) for value in _scalars(key, wanted)]}}


def _path(key: str) -> str:
    if not key or '"' in key or "\\" in key:
        raise invalid("filter", f"A range needs a metadata key without quotes or backslashes, not {key!r}.")
    return f'{METADATA}."{key}"'


def _range(key: str, bounds: dict[str, Any]) -> dict[str, float]:
    if not bounds or not bounds.keys() <= _BOUNDS or not all(map(_is_number, bounds.values())):
        raise invalid("filter", f"A range on {key!r} has numbers under gt, gte, lt or lte, not {bounds!r}.")
    return bounds


def _scalars(key: str, value: Any) -> list[_Scalar]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, _Scalar) for one in values):
        raise invalid(
            "metadata", f"Metadata {key!r} must be text, a number, true, false, null or a list of these."
        )
    return values


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float) and math.isfinite(value)


@lru_cache(maxsize=16_384, typed=True)
def _term(key: str, value: _Scalar) -> int:
    """63 bits, as many as a signed integer of the engine has without its sign."""
    number = type(value) is float and value.is_integer()
    text = json.dumps([key, int(value) if number else value])  # type: ignore[arg-type]
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1
