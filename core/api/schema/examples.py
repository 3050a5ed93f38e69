"""Examples made from schemas: each field has a value of its type, or one from WORDS for its name."""

from __future__ import annotations

import re
from typing import Any
from uuid import NAMESPACE_URL, uuid5

WORDS: dict[str, Any] = {
    "name": "Support",
    "email": "grace@example.org",
    "description": "Manuals of all printers",
    "query": "paper jam in tray 2",
    "filename": "manual.pdf",
    "sql": "SELECT 1 AS one",
    "mime_type": "application/pdf",
    "tag": "printer",
    "tags": "printer",
    "tags_any": "printer",
    "text": "Open tray 2 and take the paper out.",
    "heading": "Paper jams",
    "heading_path": "Paper jams",
    "metadata": {"year": 2026},
    "metadata_json": {"year": 2026},
    "next": "https://oyl.example/api/v1/documents/?cursor=cD0yMDI2",
    "previous": None,
    "expires_at": None,
    "position": 2,
    "embedding_model": "",
    "chunk_tokens": 200,
    "chunk_overlap": 20,
    "key": "oyl_0123456789ab_Xk3…",
    "prefix": "oyl_0123456789ab",
    "errors": [],
    "question": "How do I clear a paper jam in tray 2?",
    "conversation": None,
    "parent": None,
    "model": None,
    "citation": None,
    "price": "0.0012",
    "prompt_price": "2.50",
    "completion_price": "10.00",
    "currency": "EUR",
    "config": {"url": "https://api.openai.com/v1", "api_key": "sk-…", "model": "gpt-5-mini"},
    "days": 365,
    "integration": None,
    "draft": None,
    "every_minutes": 60,
    "url": "https://example.org/hooks/oyl",
}
BY_FORMAT = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "grace@example.org",
    "binary": "…",
    "uri": "https://example.org",
}
BY_TYPE: dict[str, Any] = {"integer": 1, "number": 0.5, "boolean": True, "object": {}, "null": None}


def add_examples(document: dict[str, Any]) -> None:
    """Add an example to every request and response body that has none."""
    schemas = document["components"]["schemas"]
    for operation in (one for path in document["paths"].values() for one in path.values()):
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in body.get("content", {}).values():
                media.setdefault("example", example(media["schema"], schemas))


def example(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """`schemas` are the targets of references; `name` is the field's name."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if "examples" in schema:
        return schema["examples"][0]
    for choices in (schema.get("allOf"), schema.get("oneOf"), schema.get("anyOf")):
        if choices:
            is_empty = {"type": "null"} in choices and WORDS.get(name, name) is None
            return None if is_empty else example(choices[0], schemas, name)
    kinds = schema.get("type", "object")
    kind = str(kinds[0] if isinstance(kinds, list) else kinds)
    if kind == "array":
        return [example(schema["items"], schemas, name)]
    if "properties" in schema:
        found = {field: example(inner, schemas, field) for field, inner in schema["properties"].items()}
        required = schema.get("required", ())
        return {field: value for field, value in found.items() if value != {} or field in required}
    return _scalar_example(schema, kind, name)


def placeholder(name: str) -> str:
    """The id that examples use for a field of this name."""
    return str(uuid5(NAMESPACE_URL, name.replace("_", "").removesuffix("s")))


def _scalar_example(schema: dict[str, Any], kind: str, name: str) -> Any:
    if "enum" in schema:
        return schema.get("default", schema["enum"][0])
    is_empty = WORDS.get(name, name) is None and "null" in schema.get("type", ())
    if schema.get("format") == "uuid" and not is_empty:
        return placeholder(name)
    if is_empty or (WORDS.get(name) is not None and re.search(schema.get("pattern", ""), str(WORDS[name]))):
        return WORDS[name]
    if "default" in schema:
        return schema["default"]
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    return BY_TYPE.get(kind, name.replace("_", " "))
