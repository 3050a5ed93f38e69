"""Formats that pandoc turns into HTML, in its sandbox: a file can name others, but they are not read."""

from __future__ import annotations

import subprocess
from functools import cache

from engines.parsing import ParsedDocument, ParseError, formats, html, package, sandbox, text
from engines.parsing.job import Job

_FORMATS = {formats.ORG: "org", formats.EPUB: "epub", formats.ODT: "odt", formats.RTF: "rtf"}
_ZIPPED = (formats.EPUB, formats.ODT)
_HEAP_EXHAUSTED = 251
_UNTITLED = "-"  # what pandoc writes without a title, or the file's name


def read(job: Job) -> ParsedDocument:
    if job.mime_type in _ZIPPED:
        package.check(job)
    root = html.tree(_convert(job))
    if root is None:
        return ParsedDocument(mime_type=job.mime_type)
    own = (job.path.stem, _UNTITLED)
    facts = {name: value for name, value in html.metadata(root).items() if value not in own}
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(html.blocks(root)), metadata=facts)


def _convert(job: Job) -> str:
    name = _FORMATS[job.mime_type]
    done = subprocess.run(
        [
            _program(),
            "--sandbox",
            "--standalone",
            "--quiet",
            "--from",
            name,
            "--to",
            "html",
            "--wrap=none",
            *_file(job),
        ],
        input=text.load(job).encode() if job.mime_type == formats.ORG else b"",
        capture_output=True,
        check=False,
        preexec_fn=sandbox.die_with_parent,
    )
    complaint = " ".join(done.stderr.decode("utf-8", "replace").split())
    if done.returncode == _HEAP_EXHAUSTED or "heap" in complaint.lower():
        raise ParseError("parse_memory", megabytes=job.limits.memory_mb)
    if done.returncode != 0:
        raise ParseError("corrupt_file", type=formats.name_of(job.mime_type)) from ValueError(complaint)
    return done.stdout.decode("utf-8", "replace")


def _file(job: Job) -> list[str]:
    """Text goes in decoded, through the standard stream."""
    return [] if job.mime_type == formats.ORG else [str(job.path)]


@cache
def _program() -> str:
    import pypandoc

    return str(pypandoc.get_pandoc_path())
