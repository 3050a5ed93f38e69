"""JSON, and notebooks."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

JSON = "application/json"
NDJSON = "application/x-ndjson"
NOTEBOOK = "application/x-ipynb+json"
READER = "engines.parsing.texts.json_text.read"
FORMATS: tuple[Format, ...] = (
    text_format(
        JSON,
        READER,
        "JSON",
        ".json",
        ".geojson",
        ".jsonld",
        name="JSON document",
        version=2,
        detected_as=("json",),
    ),
    text_format(
        NDJSON, READER, "JSON lines", ".ndjson", ".jsonl", group="JSON", version=2, detected_as=("jsonl",)
    ),
    text_format(
        NOTEBOOK,
        "engines.parsing.texts.notebook.read",
        "Notebook",
        ".ipynb",
        name="notebook",
        group="notebooks",
        version=2,
    ),
)
