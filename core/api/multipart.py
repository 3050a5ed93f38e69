"""Multipart bodies whose files keep their whole names."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.http.multipartparser import MultiPartParser as DjangoParser
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.parsers import DataAndFiles, MultiPartParser


class PathParser(MultiPartParser):
    """Each file of a form's only field for files has its `path`: the name as it was sent, with its folders. Django
    keeps what is after the last slash, and 255 characters of that, by which two files become one."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles[Any, Any]:
        context = parser_context or {}
        request = context["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type}
        try:
            parser = _PathParser(meta, stream, request.upload_handlers, context.get("encoding"))
            data, files = parser.parse()
        except MultiPartParserError as error:
            raise exceptions.ParseError(f"Multipart form parse error - {error}") from error
        if len(files) == 1:  # Django says of no path to which field it belongs
            (own,) = (own for _, own in files.lists())
            for file, path in zip(own, parser.paths, strict=True):
                file.path = path
        return DataAndFiles(data, files)


def path_of(file: UploadedFile[Any]) -> str:
    return str(getattr(file, "path", file.name))


class _PathParser(DjangoParser):
    """`paths` are those of all files, in their order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.paths: list[str] = []

    def sanitize_file_name(self, file_name: str) -> str | None:
        name: str | None = super().sanitize_file_name(file_name)
        if name:
            parts = html.unescape(file_name).replace("\\", "/").split("/")
            self.paths.append("/".join(part for part in parts if part not in ("", ".", "..")))
        return name
