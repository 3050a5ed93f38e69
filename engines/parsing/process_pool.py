"""The parser: a small pool of warm, capped processes, each reading one file at a time."""

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

_FILES_PER_PROCESS = 2000
_KEPT_MB = 256
# A process that has grown beyond this (OCR takes 100 MB for good, the readers of Office files 150) reads only more files
# like its last: what another kind takes would come on top.
_SMALL_MB = 128
_CONVERTED = {".doc", ".ppt"}  # LibreOffice takes 200 MB besides


class PooledParser:
    """A process is started when first needed, and replaced when it failed, keeps much memory, or has read its share of
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
        answer = self._ask(request)
        if answer.get("code") == "parse_memory":
            # Others before it may have used the process's memory up: what counts is a process of its own.
            answer = self._ask(request, fresh=True)
        if "cause" in answer:
            logger.warning("Tenant %s: %s could not be read: %s", tenant_id, path, answer["cause"])
        if "code" in answer:
            raise ParseError(answer["code"], answer["detail"])
        return _document(answer)

    def close(self) -> None:
        idle = [self._slots.get() for _ in range(self._size)]
        for process in idle:
            if process:
                process.kill()
            self._slots.put(None)

    def _ask(self, request: dict[str, str], *, fresh: bool = False) -> dict[str, Any]:
        process = self._slots.get()
        keep = False
        try:
            if fresh or process is None or not process.alive() or not _suits(process, request["filename"]):
                process = self._replace(process)
            answer = process.ask(request)
            keep = self._is_fit(process, answer)
            return answer
        finally:
            if process and not keep:
                process.kill()
            self._slots.put(process if keep else None)

    def _replace(self, dead: ParserProcess | None) -> ParserProcess:
        if dead:
            dead.kill()
        try:
            return self._starter.submit(ParserProcess, self._limits).result()
        except OSError as error:
            logger.error("A parser process could not be started: %s", error)
            raise ParseError("parser_unavailable") from error

    def _is_fit(self, process: ParserProcess, answer: dict[str, Any]) -> bool:
        grown = answer.get("resident_mb", 0) > _KEPT_MB
        return not grown and answer.get("code") != "parse_memory" and process.files < _FILES_PER_PROCESS


def _suits(process: ParserProcess, filename: str) -> bool:
    ending = PurePath(filename).suffix.lower()
    return process.resident_mb <= _SMALL_MB or (ending == process.ending and ending not in _CONVERTED)


def _document(answer: dict[str, Any]) -> ParsedDocument:
    return ParsedDocument(
        mime_type=answer["mime_type"],
        elements=tuple(
            Element(ElementKind(kind), text, page, level) for kind, text, page, level in answer["elements"]
        ),
        members=tuple(Member(name=name, path=Path(path)) for name, path in answer["members"]),
        metadata=answer["metadata"],
    )
