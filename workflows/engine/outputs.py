"""Outputs of steps and runs: in their rows, or in files if they are long."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files import File

from core.json_values import json_text, storable
from core.storage import FileStore, flush
from workflows.definition import JSON
from workflows.steps.base import StepError

MEGABYTE = 1_000_000
RUN_FILES = FileStore("runs")
SHOWN_LENGTH = 60_000


def limit() -> int:
    return int(settings.WORKFLOW_VALUE_MB * MEGABYTE)


def is_too_long(value: JSON) -> bool:
    return len(json_text(value).encode(errors="replace")) > limit()


def stored(value: JSON | Iterator[JSON], tenant_id: UUID, run_id: UUID, name: str) -> JSON:
    """Outside of a scope: the output itself, or {"file": …, "size_bytes": …} if it is longer than a row may have. The items
    of an iterator become a list, and are never all in memory. Raises StepError."""
    with tempfile.SpooledTemporaryFile(limit(), prefix="oyl-output-") as file:
        for piece in _pieces(value):
            file.write(piece.encode(errors="replace"))
            if file.tell() > settings.WORKFLOW_FILE_MB * MEGABYTE:
                raise StepError("output_file_too_large", limit=settings.WORKFLOW_FILE_MB)
        size = file.tell()
        file.seek(0)
        if size <= limit():
            return json.loads(file.read())
        saved = RUN_FILES.save(File(file, name), tenant_id, run_id, f"{name}.json")
    flush([saved])
    return {"file": saved, "size_bytes": size}


def is_file(value: JSON) -> bool:
    return isinstance(value, dict) and value.keys() == {"file", "size_bytes"}


def _pieces(value: Any) -> Iterator[str]:
    if not isinstance(value, Iterator):
        yield json_text(storable(value))
        return
    yield "["
    for number, item in enumerate(value):
        yield f"{',' if number else ''}{json_text(storable(item))}"
    yield "]"


def shown(value: JSON) -> JSON:
    """What a step got, as its row keeps it for people to read: of a long one, the beginning."""
    text = json_text(value)
    return value if len(text) <= SHOWN_LENGTH else {"beginning": text[:SHOWN_LENGTH], "characters": len(text)}
