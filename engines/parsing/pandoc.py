"""Org, which pandoc converts to HTML. Its sandbox does not read the files that a document names."""

from __future__ import annotations

import subprocess

from engines.child_processes import die_with_parent
from engines.parsing import ParsedDocument, ParseError, formats, html, text
from engines.parsing.job import Job

_HEAP_EXHAUSTED_STATUS = 251
_PLACEHOLDER_TITLE = "-"  # pandoc writes this if there is no title


def read(job: Job) -> ParsedDocument:
    import pypandoc

    source = job.workdir / "text"
    source.write_text(text.load(job), encoding="utf-8")
    with source.open("rb") as file:
        result = subprocess.run(
            [
                pypandoc.get_pandoc_path(),
                *("--sandbox", "--standalone", "--quiet", "--wrap=none"),
                *("--from", "org", "--to", "html"),
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
