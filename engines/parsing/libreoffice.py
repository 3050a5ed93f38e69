"""Word's and PowerPoint's old formats: LibreOffice writes them anew, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

from engines.parsing import ParsedDocument, ParseError, formats, sandbox
from engines.parsing.job import Job

_KINDS = {formats.DOC: ("Word", "docx"), formats.PPT: ("PowerPoint", "pptx")}


def read(job: Job) -> ParsedDocument:
    name, ending = _KINDS[job.mime_type]
    program = shutil.which("soffice")
    if not program:
        raise ParseError("needs_libreoffice", type=name)
    folder = job.scratch("libreoffice")
    (folder / "document").symlink_to(job.path)
    subprocess.run(
        [
            program,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            *("--headless", "--norestore", "--nologo", "--convert-to", ending, "--outdir", str(folder)),
            str(folder / "document"),
        ],
        capture_output=True,
        check=False,
        preexec_fn=sandbox.die_with_parent,
    )
    converted = folder / f"document.{ending}"
    if not converted.exists():
        raise ParseError("corrupt_file", type=f"{name} document")
    from engines.parsing import office  # takes seconds, which a refusal need not cost

    reader = office.read_docx if ending == "docx" else office.read_pptx
    document = reader(replace(job, path=converted))
    return replace(document, mime_type=job.mime_type)
