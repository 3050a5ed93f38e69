"""Runs of workflows over REST."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.events import EventsRenderer, EventStream, follow, has_seen
from core.api.schema.operations import header_parameter
from core.api.serializers import OylSerializer, StrictSerializer
from core.api.views import READ, ReadViewSet
from core.isolation.scope import tenant_scope
from core.permissions import Role
from jobs.states import UNFINISHED
from workflows.models import StartedBy, StepRun, WorkflowRun
from workflows.models.runs import SIGNAL_LENGTH
from workflows.services import running

EDITOR_POSTS = {"POST": Role.EDITOR}
RUN_EVENT_SCHEMA = {
    "type": "object",
    "description": "Of each event; `data` is JSON, with `run` and its newest `steps`, or `deleted`.",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["event", "data"],
}


class WorkflowRunSerializer(OylSerializer[WorkflowRun]):
    version = serializers.IntegerField(
        source="version.number", allow_null=True, help_text="null for a test of the draft."
    )

    class Meta(OylSerializer.Meta):
        model = WorkflowRun
        fields = (
            "id",
            "workflow",
            "version",
            "state",
            "started_by",
            "trigger",
            "parent",
            "input_json",
            "item_json",
            "output_json",
            "step_key",
            "error_code",
            "error_detail",
            "paused_at",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class StepRunSerializer(OylSerializer[StepRun]):
    type = serializers.CharField(source="type_enum")
    seconds = serializers.FloatField(allow_null=True)

    class Meta(OylSerializer.Meta):
        model = StepRun
        fields = (
            "id",
            "number",
            "key",
            "type",
            "iteration",
            "state",
            "tries",
            "was_interrupted",
            "input_json",
            "output_json",
            "details_json",
            "error_code",
            "error_detail",
            "waits_until",
            "signal",
            "started_at",
            "finished_at",
            "seconds",
        )
        read_only_fields = fields


class SignalSerializer(StrictSerializer):
    name = serializers.CharField(max_length=SIGNAL_LENGTH, help_text="That for which a step waits.")
    payload = serializers.JSONField(required=False, allow_null=True, default=None)


class WorkflowRunViewSet(ReadViewSet):
    """The runs of workflows, newest first."""

    model = WorkflowRun
    area = "workflows"
    roles = {**READ, **EDITOR_POSTS}
    bound_by = {"workspace": ("workflow__workspace",)}
    serializer_class = WorkflowRunSerializer
    filterset_fields = ["workflow", "state", "started_by", "trigger", "parent"]
    ordering_fields = ["created_at"]

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("version", "workflow")

    @extend_schema(responses={200: StepRunSerializer(many=True)})
    @action(detail=True, methods=["get"], roles=READ, serializer_class=StepRunSerializer, filter_backends=())
    def steps(self, request: Request, pk: str) -> Response:
        """List the steps of a run."""
        rows = StepRun.objects.filter(run=self.get_object())
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        parameters=[header_parameter("Last-Event-ID", "The `id` of the last event that you have.")],
        responses={(200, EventsRenderer.media_type): RUN_EVENT_SCHEMA, 204: None},
    )
    @action(
        detail=True,
        methods=["get"],
        roles=READ,
        renderer_classes=(JSONRenderer, EventsRenderer),
        opens_own_scopes=True,
    )
    def events(self, request: Request, pk: str) -> HttpResponseBase:
        """Follow a run.

        Server-sent events `progress`: the run and its newest steps, each time one changes and at least every 15 seconds,
        until it has ended. Each event has the whole state, so that a client that connects again has missed nothing. A
        browser that does so after the last one gets a 204, and stops.
        """
        with tenant_scope(self.actor.tenant_id):
            run = self.get_object()
        if run.state not in UNFINISHED and has_seen(request.headers, run.attempt):
            return HttpResponse(status=204)
        return run_events(self, run.pk)

    @extend_schema(request=None, responses={200: WorkflowRunSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def cancel(self, request: Request, pk: str) -> Response:
        """End a run, with all that its steps have started."""
        return self._changed(running.cancel_run)

    @extend_schema(request=None, responses={200: WorkflowRunSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def pause(self, request: Request, pk: str) -> Response:
        """Let no further step of a run begin."""
        return self._changed(running.pause_run)

    @extend_schema(request=None, responses={200: WorkflowRunSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def resume(self, request: Request, pk: str) -> Response:
        """Let a paused run go on."""
        return self._changed(running.resume_run)

    @extend_schema(request=None, responses={200: WorkflowRunSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def retry(self, request: Request, pk: str) -> Response:
        """Let a failed or cancelled run go on at the step at which it has ended."""
        return self._changed(running.retry_run)

    @extend_schema(request=None, responses={201: WorkflowRunSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS)
    def rerun(self, request: Request, pk: str) -> Response:
        """Start another run with the same input."""
        run = running.rerun(self.get_object(), actor=self.actor, started_by=StartedBy.API)
        return Response(self._represented(run.pk), status=201)

    @extend_schema(responses={200: WorkflowRunSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS, serializer_class=SignalSerializer)
    def signal(self, request: Request, pk: str) -> Response:
        """Send a signal to a run."""
        run: WorkflowRun = self.get_object()
        serializer = SignalSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        running.signal_run(run, actor=self.actor, **serializer.validated_data)
        return Response(self._represented(run.pk))

    def _changed(self, change: Callable[..., None]) -> Response:
        run: WorkflowRun = self.get_object()
        change(run, actor=self.actor)
        return Response(self._represented(run.pk))

    def _represented(self, run_id: UUID) -> Any:
        run = self.get_queryset().get(pk=run_id)
        return WorkflowRunSerializer(run, context=self.get_serializer_context()).data


# An event has so many of the newest steps.
SHOWN_STEPS = 50


def run_events(view: Any, run_id: UUID) -> EventStream:
    """The events of a run that the view's sender may read."""
    tenant_id = view.actor.tenant_id

    def version() -> Hashable:
        with tenant_scope(tenant_id):
            columns = ("state", "steps_begun", "attempt", "available_at", "paused_at", "finished_at")
            return WorkflowRun.objects.filter(pk=run_id).values_list(*columns).first()

    def read() -> tuple[Any, int | None]:
        with tenant_scope(tenant_id):
            run = WorkflowRun.objects.select_related("version").filter(pk=run_id).first()
            if run is None:
                return {"deleted": True}, 0
            steps = list(run.step_runs.order_by("-number")[:SHOWN_STEPS])
            state = {
                "run": WorkflowRunSerializer(run).data,
                "steps": StepRunSerializer(reversed(steps), many=True).data,
            }
        return state, None if run.state in UNFINISHED else run.attempt

    return EventStream(follow(read, version=version, is_allowed=view.is_still_allowed))
