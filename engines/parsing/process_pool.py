"""The parser: a small pool of warm processes with limits, each parsing one file at a time."""

from __future__ import annotations

import logging
import queue
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from engines.parsing import Element, ElementKind, Member, ParsedDocument, ParseError, ParserConfig
from engines.parsing.formats import reader_version
from engines.parsing.job import Limits
from engines.parsing.process import ParserProcess

logger = logging.getLogger(__name__)

_MAX_FILES_PER_PROCESS = 2000
_MAX_RESIDENT_MB = 256
# A process that has grown beyond this (OCR takes 100 MB for good, the readers of Office files 150) parses only more files
# like its last one: what another kind takes would come on top.
_SMALL_RESIDENT_MB = 128
_CONVERTED_SUFFIXES = {".doc", ".ppt"}  # LibreOffice takes 200 MB besides


class PooledParser:
    """Starts a process when one is needed, and replaces it when it failed, keeps much memory, or has parsed its share of
    files."""

    def __init__(self, config: ParserConfig) -> None:
        self._limits = Limits(
            seconds=config.seconds,
            memory_mb=config.memory_mb,
            output_mb=config.output_mb,
            text_mb=config.text_mb,
            ocr_pages=config.ocr_pages,
        )
        self._slots: queue.LifoQueue[ParserProcess | None] = queue.LifoQueue()
        self._size = config.processes
        for _ in range(self._size):
            self._slots.put(None)
        # A process dies with the thread that started it, and callers' threads come and go.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="parser-starter")

    def version_of(self, mime_type: str) -> str:
        return reader_version(mime_type)

    def parse(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        request = {"path": str(path.absolute()), "filename": filename, "workdir": str(workdir.absolute())}
        response = self._send(request)
        if response.get("code") == "parse_memory":
            # Earlier files may have used up the process's memory: only a new process decides.
            response = self._send(request, new_process=True)
        if "cause" in response:
            logger.warning("Tenant %s: %s could not be read: %s", tenant_id, path, response["cause"])
        if "code" in response:
            raise ParseError(response["code"], response["detail"])
        return ParsedDocument(
            mime_type=response["mime_type"],
            elements=tuple(
                Element(ElementKind(kind), text, page, level)
                for kind, text, page, level in response["elements"]
            ),
            members=tuple(Member(name=name, path=Path(path)) for name, path in response["members"]),
            metadata=response["metadata"],
        )

    def close(self) -> None:
        idle = [self._slots.get() for _ in range(self._size)]
        for process in idle:
            if process:
                process.kill()
            self._slots.put(None)

    def _send(self, request: dict[str, str], *, new_process: bool = False) -> dict[str, Any]:
        process = self._slots.get()
        keep = False
        try:
            if process is None or new_process or not _can_parse(process, request["filename"]):
                if process:
                    process.kill()
                try:
                    process = self._starter.submit(ParserProcess, self._limits).result()
                except OSError as error:
                    logger.error("A parser process could not be started: %s", error)
                    raise ParseError("parser_unavailable") from error
            response = process.parse(request)
            keep = (
                process.resident_mb <= _MAX_RESIDENT_MB
                and process.parsed_files < _MAX_FILES_PER_PROCESS
                and response.get("code") != "parse_memory"
            )
            return response
        finally:
            if process and not keep:
                process.kill()
            self._slots.put(process if keep else None)


def _can_parse(process: ParserProcess, filename: str) -> bool:
    """Return whether the process is alive and has memory left for another file of this kind."""
    suffix = PurePath(filename).suffix.lower()
    is_small = process.resident_mb <= _SMALL_RESIDENT_MB
    is_same_kind = suffix == process.last_suffix and suffix not in _CONVERTED_SUFFIXES
    return process.is_alive() and (is_small or is_same_kind)
