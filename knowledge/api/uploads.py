"""The form of uploads, and their answer."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rest_framework import serializers

from core.api.multipart import path_of
from core.api.serializers import ObjectField, RelatedField, StrictSerializer
from knowledge.models import DocumentStatus, Reference
from knowledge.services.adding import OnConflict, UploadOutcome


class UploadSerializer(StrictSerializer):
    reference = RelatedField(
        queryset=Reference.objects, help_text="The library that the documents belong to."
    )
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        min_length=1,
        max_length=100,
        help_text="One part named `files` for each file. One that the reference has already is replaced. "
        'A file `NAME.meta.json` with {"metadata": {…}, "tags": […]} says these of the file `NAME` beside it.',
    )
    external_ids = serializers.ListField(
        child=serializers.CharField(max_length=1024),
        required=False,
        help_text="One part for each file, in their order: what identifies it in its source, such as its path. By default"
        " its name as it is sent, with its folders.",
    )
    on_conflict = serializers.ChoiceField(
        choices=[one.value for one in OnConflict],
        default=OnConflict.REPLACE.value,
        help_text="What becomes of documents whose external ids are sent again. `error`: nothing is added.",
    )
    metadata = ObjectField(
        required=False,
        default=dict,
        help_text="A JSON object for all of these documents, to filter searches by.",
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=255),
        required=False,
        help_text="One part for each tag of all of these.",
    )

    def validate_tags(self, tags: list[str]) -> list[str]:
        """A list as JSON would be one tag with brackets in its name."""
        if any(one.startswith("[") and one.endswith("]") for one in tags):
            raise serializers.ValidationError("Send one part named `tags` for each tag, not a list as JSON.")
        return tags

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`files` become {external id: file}."""
        files = attrs["files"]
        names = attrs.pop("external_ids", None) or [path_of(file) for file in files]
        if len(names) != len(files):
            raise serializers.ValidationError({"external_ids": f"Give {len(files)}, one for each file."})
        if repeated := next((name for name, count in Counter(names).items() if count > 1), None):
            raise serializers.ValidationError(
                {"external_ids": f"Two of the files have the name '{repeated}'."}
            )
        return {**attrs, "files": dict(zip(names, files, strict=True))}


class UploadedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField()
    filename = serializers.CharField()
    processed_status = serializers.ChoiceField(choices=DocumentStatus.choices)
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in UploadOutcome])
    replaced_sha256 = serializers.CharField(
        allow_blank=True, help_text="Of the file that this one has replaced; empty if it has replaced none."
    )
    duplicate_of = serializers.UUIDField(
        allow_null=True, help_text="The oldest document that has the same bytes, if it is another one."
    )


class UploadsSerializer(serializers.Serializer[Any]):
    results = UploadedSerializer(many=True)
