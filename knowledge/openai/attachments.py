"""The files that a request attaches to a vector store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound

from core.actors import Actor
from core.api.bound_rows import bound_rows
from core.api.openai.ids import as_id
from knowledge.models import StoredFile
from knowledge.openai.files import FILE_LOOKUPS
from knowledge.openai.ids import FILE
from knowledge.services.stored_files import Attachment


def find_attachments(actor: Actor, attributes: Mapping[UUID, dict[str, Any]]) -> list[Attachment]:
    """Inside a scope: the files by id, each with the attributes that its document gets. Raises NotFound when the key
    does not see one."""
    rows = bound_rows(actor, StoredFile.objects.filter(pk__in=attributes), FILE_LOOKUPS)
    files = {file.pk: file for file in rows}
    if missing := [pk for pk in attributes if pk not in files]:
        raise NotFound(f"There is no file '{as_id(FILE, missing[0])}'.")
    return [Attachment(file=files[pk], metadata=metadata) for pk, metadata in attributes.items()]
