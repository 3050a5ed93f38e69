"""The versions of a workflow with their differences, and its export."""

from __future__ import annotations

import json
from difflib import unified_diff
from typing import Any
from uuid import UUID

import yaml
from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify

from core.json_values import json_text
from workflows.admin.shared import page, workflow_of
from workflows.definition import Definition, draft_of
from workflows.services.yaml_form import export_yaml

SHOWN = 20


def versions_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow = workflow_of(request, pk)
    rows = workflow.versions.filter(number__isnull=False).order_by("-number")
    versions = list(rows[: SHOWN + 1])
    texts = [_text(version.definition_json) for version in versions]
    earlier = [*texts[1:], *([""] if len(versions) <= SHOWN else [])]
    draft = _text(draft_of(workflow).as_json())
    return page(
        request,
        "versions",
        f"Versions: {workflow}",
        workflow=workflow,
        unpublished=_difference(texts[0] if texts else "", draft),
        versions=[
            {"version": version, "lines": _difference(before, text)}
            for version, text, before in zip(versions, texts, earlier, strict=False)
        ],
    )


def export(request: HttpRequest, pk: UUID) -> HttpResponse:
    workflow = workflow_of(request, pk)
    name = slugify(workflow.name) or "workflow"
    headers = {"Content-Disposition": f'attachment; filename="{name}.yaml"'}
    return HttpResponse(
        export_yaml(workflow), content_type="application/yaml; charset=utf-8", headers=headers
    )


def _text(definition: Any) -> str:
    """In the order of the definition's fields: PostgreSQL keeps none."""
    definition = json.loads(json_text(Definition.from_json(definition).as_json()))
    text: str = yaml.safe_dump(definition, sort_keys=False, allow_unicode=True, width=100)
    return text


def _difference(before: str, after: str) -> list[str]:
    """Lines that begin with + or -, or with a space where nothing has changed."""
    return list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
