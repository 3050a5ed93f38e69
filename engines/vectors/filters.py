"""A tenant and a `Filter` as one filter in Qdrant's own JSON. Every read, delete and update goes through
`tenant_filter`; filters are built nowhere else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeGuard
from uuid import UUID

from engines.vectors import BelongsTo, Condition, Filter, Matches, VectorStoreError

Spec = dict[str, Any]

TENANT, REFERENCE, DOCUMENT, TAGS, TERMS = "tenant_id", "reference_id", "document_id", "tag_ids", "terms"
GENERATION, METADATA = "generation", "metadata"
UUID_FIELDS = (REFERENCE, DOCUMENT, TAGS)
_KEYS = {"reference": REFERENCE, "document": DOCUMENT, "tag": TAGS}

_COLLECTION = re.compile(r"[a-z0-9][a-z0-9_.-]{0,100}", re.IGNORECASE | re.ASCII)
_CLAUSES = {"all": "must", "any": "should", "none": "must_not"}
_BOUNDS = {"gt", "gte", "lt", "lte"}
_Scalar = str | int | float | bool | None


def validate_collection_name(collection: str) -> str:
    """Return the name, which may become part of a path or a URL. Raises VectorStoreError."""
    if not _COLLECTION.fullmatch(collection):
        raise invalid(
            "collection", f"{collection!r} is no name of a collection: use letters, digits, '_', '.', '-'."
        )
    return collection


def invalid(subject: str, detail: str) -> VectorStoreError:
    return VectorStoreError(f"invalid_{subject}", detail)


def tenant_filter(tenant_id: UUID, filter: Filter = Filter()) -> Spec:  # noqa: B008 (frozen)
    """Return a filter that matches points of `tenant_id` only, whatever `filter` has in it."""
    own, clauses = {"key": TENANT, "match": {"value": str(tenant_id)}}, _clauses(filter)
    return {**clauses, "must": [own, *clauses["must"]]}


def _clauses(filter: Filter) -> dict[str, list[Spec]]:
    must = [
        *_any_of(REFERENCE, filter.reference_ids),
        *_any_of(DOCUMENT, filter.document_ids),
        *_any_language(filter.languages),
        *_any_of(TAGS, filter.tags_any),
        *(condition for tag in filter.tags_all for condition in _any_of(TAGS, (tag,))),
        *(_metadata_condition(key, value) for key, value in filter.metadata.items()),
    ]
    if filter.where:
        must.append(_condition(filter.where))
    if filter.point_ids:
        must.append({"has_id": _canonical(filter.point_ids)})
    if filter.below_generation is not None:
        must.append({"key": GENERATION, "range": {"lt": filter.below_generation}})
    return {
        "must": [*must, *map(_clauses, filter.also)],
        "must_not": [*_any_of(TAGS, filter.tags_none), *map(_clauses, filter.never)],
    }


def metadata_terms(metadata: dict[str, Any]) -> list[int]:
    """Return a hash of each key and value, so that one index serves equality on every key, for values of any length.
    Raises VectorStoreError if a value is neither a scalar nor a list of scalars."""
    return [_term(key, value) for key, values in metadata.items() for value in _scalars(key, values)]


def language_terms(language: str | None) -> list[int]:
    """Return the term of a language, which is none of any metadata."""
    return [_hash({"language": language})] if language else []


def metadata_numbers(metadata: dict[str, Any]) -> dict[str, list[float]]:
    """Return the numbers among the values, which can be filtered by range."""
    numbers = {key: list(filter(_is_number, _scalars(key, values))) for key, values in metadata.items()}
    return {key: values for key, values in numbers.items() if values}


def _any_of(key: str, ids: Iterable[UUID]) -> list[Spec]:
    texts = _canonical(ids)
    return [{"key": key, "match": {"any": texts}}] if texts else []


def _any_language(languages: Iterable[str]) -> list[Spec]:
    terms = [term for language in languages for term in language_terms(language)]
    return [{"key": TERMS, "match": {"any": terms}}] if terms else []


def _canonical(ids: Iterable[UUID]) -> list[str]:
    """Return the ids as text. Raises ValueError for anything else, such as a forged condition."""
    return [str(id if isinstance(id, UUID) else UUID(id)) for id in ids]


def _condition(condition: Condition) -> Spec:
    if isinstance(condition, Matches):
        return _metadata_condition(condition.key, condition.value)
    if isinstance(condition, BelongsTo):
        return {"key": _KEYS[condition.kind], "match": {"any": _canonical(condition.ids)}}
    if not condition.conditions:  # for Qdrant, any of none is all
        raise invalid("filter", f"Say of what {condition.operator} must hold.")
    return {_CLAUSES[condition.operator]: [_condition(operand) for operand in condition.conditions]}


def _metadata_condition(key: str, value: Any) -> Spec:
    if not isinstance(value, dict):
        return {"key": TERMS, "match": {"any": [_term(key, scalar) for scalar in _scalars(key, value)]}}
    if not key or '"' in key or "\\" in key:
        raise invalid("filter", f"A range needs a metadata key without quotes or backslashes, not {key!r}.")
    if not value or not value.keys() <= _BOUNDS or not all(map(_is_number, value.values())):
        raise invalid("filter", f"A range on {key!r} has numbers under gt, gte, lt or lte, not {value!r}.")
    return {"key": f'{METADATA}."{key}"', "range": value}


def _scalars(key: str, value: Any) -> list[_Scalar]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(item, _Scalar) for item in values):
        raise invalid(
            "metadata", f"Metadata {key!r} must be text, a number, true, false, null or a list of these."
        )
    return values


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float) and math.isfinite(value)


@lru_cache(maxsize=16_384, typed=True)
def _term(key: str, value: _Scalar) -> int:
    """3 and 3.0 are the same term."""
    is_whole = type(value) is float and value.is_integer()
    return _hash([key, int(value) if is_whole else value])  # type: ignore[arg-type]


def _hash(value: object) -> int:
    """Return a hash of 63 bits, which a signed 64-bit integer has room for."""
    return int.from_bytes(blake2b(json.dumps(value).encode(), digest_size=8).digest()) >> 1
