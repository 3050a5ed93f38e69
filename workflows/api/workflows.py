"""Workflows over REST: their drafts, versions, YAML, and starting runs."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.events import EventsRenderer
from core.api.serializers import TIMES, ObjectField, OylSerializer, RelatedField, StrictSerializer
from core.api.views import READ
from core.isolation.scope import tenant_scope
from jobs.states import UNFINISHED
from workflows.api.runs import EDITOR_POSTS, WorkflowRunSerializer, run_events
from workflows.api.steps import ProblemsSerializer
from workflows.models import StartedBy, Workflow, WorkflowRun, WorkflowVersion
from workflows.services import examples, publishing, running
from workflows.services.yaml_form import LONGEST, export_yaml, import_yaml
from workspaces.models import Workspace

MAX_WAIT_SECONDS = 60
YAML_EXAMPLE = """name: Greeting
steps:
- key: greeting
  type: end
  config:
    output: "'Hello, ' + input.name"
"""


class WorkflowSerializer(OylSerializer[Workflow]):
    class Meta(OylSerializer.Meta):
        model = Workflow
        fields = (
            "id",
            "workspace",
            "name",
            "description",
            "input_schema_json",
            "output_schema_json",
            *TIMES,
        )
        fixed = ("workspace",)


class WorkflowVersionSerializer(OylSerializer[WorkflowVersion]):
    class Meta(OylSerializer.Meta):
        model = WorkflowVersion
        fields = ("id", "number", "definition_json", "created_at")
        read_only_fields = fields


class StartSerializer(StrictSerializer):
    input = ObjectField(required=False, default=dict, help_text="As the workflow's input schema says.")
    wait = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=MAX_WAIT_SECONDS,
        help_text="Seconds to wait for the end; then the run is answered as it is.",
    )  # fmt: skip
    test = serializers.BooleanField(
        required=False, default=False, help_text="Run the draft instead of the published version."
    )


@extend_schema_field({"type": "string", "maxLength": LONGEST, "examples": [YAML_EXAMPLE]})
class YamlField(serializers.CharField):
    """A workflow as `export` writes it."""


class YamlSerializer(StrictSerializer):
    yaml = YamlField(max_length=LONGEST, trim_whitespace=False)


class ImportSerializer(YamlSerializer):
    workspace = RelatedField(queryset=Workspace.objects)


class ExampleSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    description = serializers.CharField()


class AddExampleSerializer(StrictSerializer):
    example = serializers.ChoiceField(choices=examples.example_names())
    workspace = RelatedField(queryset=Workspace.objects)


class WorkflowViewSet(AuditedViewSet):
    """Steps that run one after another."""

    model = Workflow
    area = "workflows"
    bound_by = {"workspace": ("workspace",)}
    serializer_class = WorkflowSerializer
    filterset_fields = ["workspace", "name"]
    ordering_fields = ["name", "created_at"]

    @extend_schema(
        responses={
            201: WorkflowRunSerializer,
            202: OpenApiResponse(WorkflowRunSerializer, description="It has not ended within the time."),
        }
    )
    @action(
        detail=True,
        methods=["post"],
        roles=EDITOR_POSTS,
        serializer_class=StartSerializer,
        renderer_classes=(JSONRenderer, EventsRenderer),
        opens_own_scopes=True,
    )
    def runs(self, request: Request, pk: str) -> HttpResponseBase:
        """Start a run.

        With `wait`, the answer comes when the run has ended, or after that time. A client that accepts `text/event-stream`
        follows the run; it can connect again to the events of the run.
        """
        with tenant_scope(self.actor.tenant_id):
            workflow: Workflow = self.get_object()
        serializer = StartSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        run = self._started(workflow, data["input"], is_test=data["test"])
        if isinstance(request.accepted_renderer, EventsRenderer):
            return run_events(self, run.pk)
        run = running.wait_for_run(run, data["wait"])
        with tenant_scope(self.actor.tenant_id):
            found = WorkflowRun.objects.select_related("version").get(pk=run.pk)
            answer = WorkflowRunSerializer(found).data
        return Response(answer, status=202 if run.state in UNFINISHED else 201)

    def _started(self, workflow: Workflow, given: Any, *, is_test: bool) -> WorkflowRun:
        if is_test:
            return running.run_draft(workflow, input=given, actor=self.actor)
        return running.start_run(workflow, input=given, actor=self.actor, started_by=StartedBy.API)

    @extend_schema(request=None, responses={201: WorkflowVersionSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def publish(self, request: Request, pk: str) -> Response:
        """Make a version of the draft; new runs follow it."""
        version = publishing.publish(self.get_object(), actor=self.actor)
        return Response(WorkflowVersionSerializer(version).data, status=201)

    @extend_schema(responses={200: ProblemsSerializer})
    @action(detail=True, methods=["get"], roles=READ)
    def problems(self, request: Request, pk: str) -> Response:
        """List why the draft cannot be published."""
        return Response({"problems": publishing.problems(self.get_object())})

    @extend_schema(responses={200: WorkflowVersionSerializer(many=True)})
    @action(detail=True, methods=["get"], roles=READ, filter_backends=())
    def versions(self, request: Request, pk: str) -> Response:
        """List the published versions, newest first."""
        rows = WorkflowVersion.objects.filter(workflow=self.get_object(), number__isnull=False)
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(WorkflowVersionSerializer(page, many=True).data)

    @extend_schema(responses={200: YamlSerializer})
    @action(detail=True, methods=["get"], roles=READ)
    def export(self, request: Request, pk: str) -> Response:
        """Export the draft as YAML."""
        return Response({"yaml": export_yaml(self.get_object())})

    @extend_schema(responses={201: WorkflowSerializer})
    @action(
        detail=False,
        methods=["post"],
        roles=EDITOR_POSTS,
        url_path="import",
        serializer_class=ImportSerializer,
    )
    def import_(self, request: Request) -> Response:
        """Make a workflow of its export."""
        data = self._validated(request)
        return self._imported(import_yaml(data["yaml"], workspace=data["workspace"], actor=self.actor))

    @extend_schema(methods=["get"], responses={200: ExampleSerializer(many=True)})
    @extend_schema(
        methods=["post"],
        operation_id="workflows_add_example",
        request=AddExampleSerializer,
        responses={201: WorkflowSerializer},
    )
    @action(
        detail=False,
        methods=["get", "post"],
        roles={**READ, **EDITOR_POSTS},
        url_path="examples",
        serializer_class=AddExampleSerializer,
        pagination_class=None,
        filter_backends=(),
    )
    def list_examples(self, request: Request) -> Response:
        """List the examples that OYL has, or add one to a workspace."""
        if request.method == "GET":
            return Response(ExampleSerializer(examples.described_examples(), many=True).data)
        data = self._validated(request)
        added = examples.add_example(data["example"], workspace=data["workspace"], actor=self.actor)
        return self._imported(added)

    def _validated(self, request: Request) -> Any:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def _imported(self, workflow: Workflow) -> Response:
        self.check_bound(Workflow.objects.filter(pk=workflow.pk), self.bound_by)
        answer = WorkflowSerializer(workflow, context=self.get_serializer_context()).data
        return Response(answer, status=201)
