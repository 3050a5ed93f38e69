"""The parser: a small pool of warm processes with limits, each parsing one file at a time."""

from __future__ import annotations

import logging
import queue
from pathlib import Path, PurePath
from uuid import UUID

from core.tenant_slots import TenantSlots
from engines.parsing import ParsedDocument, ParseError, ParserConfig
from engines.parsing.formats import is_text_name, reader_version
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
    files. One process more than a tenant may use at once serves the others meanwhile."""

    def __init__(self, config: ParserConfig) -> None:
        self._limits = Limits(
            seconds=config.seconds,
            memory_mb=config.memory_mb,
            output_mb=config.output_mb,
            text_mb=config.text_mb,
            ocr_pages=config.ocr_pages,
        )
        self._requires_sandbox = config.requires_sandbox
        self._service = config.service
        # Of each slot, one process reads text alone: it stays small, and its children start sooner.
        self._slots: queue.LifoQueue[dict[bool, ParserProcess]] = queue.LifoQueue()
        self._tenants, self._size = TenantSlots(most=config.processes), config.processes + 1
        for _ in range(self._size):
            self._slots.put({})

    def version_of(self, mime_type: str) -> str:
        return reader_version(mime_type)

    def parse(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path) -> ParsedDocument:
        with self._tenants.hold(tenant_id):
            return self._parse(tenant_id, path, filename=filename, workdir=workdir)

    def draw(self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path, page: int) -> Path:
        with self._tenants.hold(tenant_id):
            drawn = self._parse(tenant_id, path, filename=filename, workdir=workdir, page=page)
        return drawn.members[0].path

    def close(self) -> None:
        idle = [self._slots.get() for _ in range(self._size)]
        for slot in idle:
            for process in slot.values():
                process.kill()
            self._slots.put({})

    def _parse(
        self, tenant_id: UUID, path: Path, *, filename: str, workdir: Path, page: int = 0
    ) -> ParsedDocument:
        slot, is_text = self._slots.get(), is_text_name(filename)
        try:
            if is_text in slot and not _can_parse(slot[is_text], filename):
                slot.pop(is_text).kill()
            if is_text not in slot:
                slot[is_text] = self._start()
            return slot[is_text].parse(
                tenant_id, path.absolute(), filename=filename, workdir=workdir.absolute(), page=page
            )
        finally:
            if is_text in slot and not _may_stay(slot[is_text]):
                slot.pop(is_text).kill()
            self._slots.put(slot)

    def _start(self) -> ParserProcess:
        try:
            process = ParserProcess(self._limits, self._service)
        except OSError as error:
            logger.error("A parser process could not be started: %s", error)
            raise ParseError("parser_unavailable") from error
        if self._requires_sandbox and not process.layers.is_enough:
            process.kill()
            missing = ", ".join(process.layers.missing)
            logger.error("No file is parsed: PARSER_SANDBOX is required, but this kernel lacks %s.", missing)
            raise ParseError("parser_unavailable")
        return process


def _may_stay(process: ParserProcess) -> bool:
    return (
        process.is_alive()
        and process.resident_mb <= _MAX_RESIDENT_MB
        and process.parsed_files < _MAX_FILES_PER_PROCESS
    )


def _can_parse(process: ParserProcess, filename: str) -> bool:
    """Return whether the process is alive and has memory left for another file of this kind."""
    suffix = PurePath(filename).suffix.lower()
    is_small = process.resident_mb <= _SMALL_RESIDENT_MB
    is_same_kind = suffix == process.last_suffix and suffix not in _CONVERTED_SUFFIXES
    return process.is_alive() and (is_small or is_same_kind)
