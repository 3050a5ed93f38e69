"""The old formats of Word and PowerPoint, which LibreOffice converts to the new ones, if it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

from engines.child_processes import die_with_parent
from engines.parsing import ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.readers.powerpoint import PPT
from engines.parsing.readers.word import DOC

_TARGETS = {DOC: ("Word", "docx"), PPT: ("PowerPoint", "pptx")}


def read(job: Job) -> ParsedDocument:
    name, extension = _TARGETS[job.mime_type]
    program = shutil.which("soffice")
    if not program:
        raise ParseError("needs_libreoffice", type=name)
    folder = job.make_folder("libreoffice")
    shutil.copyfile(job.path, folder / "document")  # the program does not get this process's open file
    subprocess.run(
        [
            program,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            *("--headless", "--norestore", "--nologo", "--convert-to", extension, "--outdir", str(folder)),
            str(folder / "document"),
        ],
        capture_output=True,
        check=False,
        preexec_fn=die_with_parent,
    )
    converted = folder / f"document.{extension}"
    if not converted.exists():
        raise ParseError("corrupt_file", type=f"{name} document")
    if extension == "docx":
        from engines.parsing import word

        read_converted = word.read_docx
    else:
        from engines.parsing import slides

        read_converted = slides.read
    return replace(read_converted(replace(job, path=converted)), mime_type=job.mime_type)
