"""Old Word documents that no other reader understands, which LibreOffice converts to the new format, if it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

from engines.child_processes import die_with_parent
from engines.parsing import ParsedDocument, ParseError
from engines.parsing.job import Job

_TARGET = "docx"


def read(job: Job) -> ParsedDocument:
    program = shutil.which("soffice")
    if not program:
        raise ParseError("needs_libreoffice", type="Word")
    folder = job.make_folder("libreoffice")
    shutil.copyfile(job.path, folder / "document")  # the program does not get this process's open file
    subprocess.run(
        [
            program,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            *("--headless", "--norestore", "--nologo", "--convert-to", _TARGET, "--outdir", str(folder)),
            str(folder / "document"),
        ],
        capture_output=True,
        check=False,
        preexec_fn=die_with_parent,
    )
    converted = folder / f"document.{_TARGET}"
    if not converted.exists():
        raise ParseError("corrupt_file", type="Word document")
    from engines.parsing.word import reader as word

    return replace(word.read_docx(replace(job, path=converted)), mime_type=job.mime_type)
