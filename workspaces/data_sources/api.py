"""Data sources and their imports over REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import AuditedViewSet
from core.api.multipart import PathParser
from core.api.serializers import TIMES, ObjectField, OylSerializer, StrictSerializer
from core.api.views import READ, ReadViewSet
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines.tables.statements import MAX_LENGTH
from workspaces.data_sources.importing import recognise_again, start_import, upload
from workspaces.data_sources.querying import query
from workspaces.data_sources.schema import described
from workspaces.data_sources.structured import as_sql
from workspaces.data_sources.uploads import local_file
from workspaces.models import DataImport, DataSource

EDITOR_POSTS = {"POST": Role.EDITOR}
OPTIONS_HELP = (
    "How the file is read: `format`, `encoding`, `delimiter`, `quote`, `decimal_separator`, `date_format`, `has_header`, "
    "`sheet`, and `types`, an object of types by column. What is left out is recognised."
)


class DataSourceSerializer(OylSerializer[DataSource]):
    class Meta(OylSerializer.Meta):
        model = DataSource
        fields: Any = (
            "id",
            "workspace",
            "name",
            "description",
            "schema_json",
            "profile_json",
            "row_count",
            "generation",
            "size_bytes",
            "imported_at",
            *TIMES,
        )
        read_only_fields = ("profile_json", "row_count", "generation", "size_bytes", "imported_at")
        fixed = ("workspace",)


class DataImportSerializer(OylSerializer[DataImport]):
    class Meta(OylSerializer.Meta):
        model = DataImport
        fields = (
            "id",
            "data_source",
            "query",
            "filename",
            "state",
            "size_bytes",
            "options_json",
            "recognised_json",
            "generation",
            "row_count",
            "errors_json",
            "warnings_json",
            "error_code",
            "error_detail",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields


class DataUploadSerializer(StrictSerializer):
    file = serializers.FileField(
        allow_empty_file=True, help_text="CSV, TSV, XLSX, ODS, JSON, JSON lines or Parquet."
    )
    options = ObjectField(required=False, default=dict, help_text=OPTIONS_HELP)
    start = serializers.BooleanField(
        default=True,
        help_text="false: it waits until `/start/` is called, so that what was recognised can be corrected.",
    )


class ReadOptionsSerializer(StrictSerializer):
    options = ObjectField(required=False, help_text=OPTIONS_HELP)


class DataQuerySerializer(StrictSerializer):
    sql = serializers.CharField(
        required=False,
        max_length=MAX_LENGTH,
        help_text="One SELECT. It may read all data sources of the workspace by their names.",
    )
    structured = ObjectField(
        required=False,
        help_text="In place of SQL: `select`, `where`, `group`, `aggregate`, `order`, `limit` and `offset`. See"
        " [data sources](data-sources.md#structured-queries).",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Give either `sql` or `structured`.")
        return attrs


class ResultColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()


class DataQueryResultSerializer(serializers.Serializer[Any]):
    columns = ResultColumnSerializer(many=True)
    rows = serializers.ListField(
        child=serializers.JSONField(),
        help_text="Each a list of values, in the order of the columns.",
    )
    is_cut = serializers.BooleanField(help_text="Whether there are further rows, beyond 10,000 or 8 MB.")
    seconds = serializers.FloatField()
    sql = serializers.CharField(help_text="The statement that was run.")


class DataSourceViewSet(AuditedViewSet):
    """Tables with exact answers. Their rows are imported from files."""

    model = DataSource
    area = "workspaces"
    bound_by = {"workspace": ("workspace",)}
    serializer_class = DataSourceSerializer
    filterset_fields = ["workspace", "name"]
    ordering_fields = ["name", "created_at"]

    def perform_update(self, serializer: Any) -> None:
        """Of columns that an import has made, only descriptions and units can be changed."""
        source, given = serializer.instance, serializer.validated_data
        if source.generation and "schema_json" in given:
            given["schema_json"] = described(source.schema_json, given["schema_json"])
        super().perform_update(serializer)

    @extend_schema(
        request={"multipart/form-data": DataUploadSerializer}, responses={202: DataImportSerializer}
    )
    @action(
        detail=True,
        methods=["post"],
        roles=EDITOR_POSTS,
        serializer_class=DataUploadSerializer,
        parser_classes=(PathParser,),
        opens_own_scopes=True,
    )
    def upload(self, request: Request, pk: str) -> Response:
        """Import a file in the background; its rows then replace those before.

        What cannot be read is named in `errors_json` of the import, and the rows before stay."""
        given = DataUploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data, source_id = given.validated_data, self._visible_id()
        with local_file(data["file"]) as path:
            row = upload(
                actor=self.actor,
                data_source_id=source_id,
                path=path,
                filename=str(data["file"].name),
                options=data["options"],
                starts=data["start"],
            )
        return self._imported(row, 202)

    @extend_schema(request=DataQuerySerializer, responses={200: DataQueryResultSerializer})
    @action(
        detail=True,
        methods=["post"],
        roles={"POST": Role.VIEWER},
        serializer_class=DataQuerySerializer,
        only_reads=True,
        opens_own_scopes=True,
    )
    def query(self, request: Request, pk: str) -> Response:
        """Ask the rows: by SQL, or by a structured query."""
        with tenant_scope(self.actor.tenant_id):
            source: DataSource = self.get_object()
        given = DataQuerySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        result = query(
            actor=self.actor,
            workspace_id=source.workspace_id,
            sql=data.get("sql") or sql_of(source, data["structured"]),
        )
        return Response(DataQueryResultSerializer(result).data)

    def _visible_id(self) -> UUID:
        with tenant_scope(self.actor.tenant_id):
            found: UUID = self.get_object().pk
        return found

    def _imported(self, row: DataImport, status: int) -> Response:
        with tenant_scope(self.actor.tenant_id):
            fresh = DataImport.objects.get(pk=row.pk)
            return Response(DataImportSerializer(fresh).data, status=status)


def sql_of(source: DataSource, structured: Mapping[str, Any]) -> str:
    columns = [str(column["name"]) for column in source.schema_json if isinstance(column, dict)]
    return as_sql(source.name, columns, structured)


class DataImportViewSet(ReadViewSet):
    """Imports of files into data sources, newest first."""

    model = DataImport
    area = "workspaces"
    roles = {**READ, **EDITOR_POSTS}
    bound_by = {"workspace": ("data_source__workspace",)}
    serializer_class = DataImportSerializer
    filterset_fields = ["data_source", "state"]

    @extend_schema(request=ReadOptionsSerializer, responses={202: DataImportSerializer})
    @action(detail=True, methods=["post"], roles=EDITOR_POSTS, serializer_class=ReadOptionsSerializer)
    def start(self, request: Request, pk: str) -> Response:
        """Start an import that waits, with other options if you give some."""
        row = start_import(actor=self.actor, import_id=self.get_object().pk, options=self._options(request))
        return Response(DataImportSerializer(self.get_queryset().get(pk=row.pk)).data, status=202)

    @extend_schema(request=ReadOptionsSerializer, responses={200: DataImportSerializer})
    @action(
        detail=True,
        methods=["post"],
        roles=EDITOR_POSTS,
        serializer_class=ReadOptionsSerializer,
        opens_own_scopes=True,
    )
    def recognise(self, request: Request, pk: str) -> Response:
        """See a file that waits as other options would read it."""
        with tenant_scope(self.actor.tenant_id):
            found = self.get_object().pk
        row = recognise_again(actor=self.actor, import_id=found, options=self._options(request) or {})
        with tenant_scope(self.actor.tenant_id):
            return Response(DataImportSerializer(DataImport.objects.get(pk=row.pk)).data)

    def _options(self, request: Request) -> dict[str, Any] | None:
        given = ReadOptionsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        options: dict[str, Any] | None = given.validated_data.get("options")
        return options


ROUTES = {"data-sources": DataSourceViewSet, "data-imports": DataImportViewSet}
