"""JSON, and notebooks."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

JSON = "application/json"
NDJSON = "application/x-ndjson"
NOTEBOOK = "application/x-ipynb+json"
READER = "engines.parsing.json_text.read"
FORMATS: tuple[Format, ...] = (
    text_format(JSON, READER, "JSON", ".json", name="JSON document", detected_as=("json",)),
    text_format(NDJSON, READER, "JSON lines", ".ndjson", ".jsonl", group="JSON", detected_as=("jsonl",)),
    text_format(
        NOTEBOOK,
        "engines.parsing.json_text.read_notebook",
        "Notebook",
        ".ipynb",
        name="notebook",
        group="notebooks",
    ),
)
