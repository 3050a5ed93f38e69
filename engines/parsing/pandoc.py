"""Formats that pandoc converts to HTML. Its sandbox does not read the files that a document names."""

from __future__ import annotations

import subprocess

from engines.child_processes import die_with_parent
from engines.parsing import ParsedDocument, ParseError, formats, html, package, text
from engines.parsing.job import Job
from engines.parsing.readers.epub import EPUB
from engines.parsing.readers.open_document import ODT
from engines.parsing.readers.org import ORG

_PANDOC_FORMATS = {ORG: "org", EPUB: "epub", ODT: "odt"}
_ZIPPED_FORMATS = (EPUB, ODT)
_HEAP_EXHAUSTED_STATUS = 251
_PLACEHOLDER_TITLE = "-"  # pandoc writes this if there is no title


def read(job: Job) -> ParsedDocument:
    import pypandoc

    if job.mime_type in _ZIPPED_FORMATS:
        package.check(job)
    source = job.path
    if job.mime_type == ORG:  # text in any encoding is decoded first
        source = job.workdir / "text"
        source.write_text(text.load(job), encoding="utf-8")
    with source.open("rb") as file:
        result = subprocess.run(
            [
                pypandoc.get_pandoc_path(),
                *("--sandbox", "--standalone", "--quiet", "--wrap=none"),
                *("--from", _PANDOC_FORMATS[job.mime_type], "--to", "html"),
            ],
            stdin=file,
            capture_output=True,
            check=False,
            preexec_fn=die_with_parent,
        )
    error_output = " ".join(result.stderr.decode("utf-8", "replace").split())
    if result.returncode == _HEAP_EXHAUSTED_STATUS or "heap" in error_output.lower():
        raise ParseError("parse_memory", megabytes=job.limits.memory_mb)
    if result.returncode != 0:
        cause = ValueError(error_output)
        raise ParseError("corrupt_file", type=formats.display_name(job.mime_type)) from cause
    root = html.parse_tree(result.stdout.decode("utf-8", "replace"))
    if root is None:
        return ParsedDocument(mime_type=job.mime_type)
    metadata = {
        name: value for name, value in html.read_metadata(root).items() if value != _PLACEHOLDER_TITLE
    }
    elements = tuple(html.tree_elements(root))
    return ParsedDocument(mime_type=job.mime_type, elements=elements, metadata=metadata)
