"""Formats that pandoc converts to HTML. Its sandbox does not read the files that a document names."""

from __future__ import annotations

import subprocess

from engines.child_processes import die_with_parent
from engines.parsing import ParsedDocument, ParseError, formats, html, package, text
from engines.parsing.job import Job

_PANDOC_FORMATS = {formats.ORG: "org", formats.EPUB: "epub", formats.ODT: "odt", formats.RTF: "rtf"}
_ZIPPED_FORMATS = (formats.EPUB, formats.ODT)
_HEAP_EXHAUSTED_STATUS = 251
_PLACEHOLDER_TITLE = "-"  # pandoc writes this, or the file's name, if there is no title


def read(job: Job) -> ParsedDocument:
    import pypandoc

    if job.mime_type in _ZIPPED_FORMATS:
        package.check(job)
    # Text in any encoding is decoded first, and passed through standard input.
    is_text = job.mime_type == formats.ORG
    result = subprocess.run(
        [
            pypandoc.get_pandoc_path(),
            *("--sandbox", "--standalone", "--quiet", "--wrap=none"),
            *("--from", _PANDOC_FORMATS[job.mime_type], "--to", "html"),
            *(() if is_text else (str(job.path),)),
        ],
        input=text.load(job).encode() if is_text else b"",
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
    placeholders = (job.path.stem, _PLACEHOLDER_TITLE)
    metadata = {name: value for name, value in html.read_metadata(root).items() if value not in placeholders}
    elements = tuple(html.tree_elements(root))
    return ParsedDocument(mime_type=job.mime_type, elements=elements, metadata=metadata)
