"""Which files are meant, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound

from core.actors import Actor
from core.api.openai.ids import as_id
from core.api.views import bound_rows
from knowledge.models import StoredFile
from knowledge.openai.files import OF_FILE
from knowledge.openai.ids import FILE
from knowledge.services.stored_files import Attachment


def attachments(actor: Actor, wanted: Mapping[UUID, dict[str, Any]]) -> list[Attachment]:
    """Inside a scope: files by id, with the attributes that they are to have. Raises NotFound when one is not there."""
    mine = bound_rows(actor, StoredFile.objects.filter(pk__in=wanted), OF_FILE)
    found = {file.pk: file for file in mine}
    if missing := [pk for pk in wanted if pk not in found]:
        raise NotFound(f"There is no file '{as_id(FILE, missing[0])}'.")
    return [Attachment(file=found[pk], metadata=attributes) for pk, attributes in wanted.items()]
