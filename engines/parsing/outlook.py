"""Messages of Outlook: .msg files, and winmail.dat."""

from __future__ import annotations

from engines.parsing import ParsedDocument, outlook_file, tnef
from engines.parsing.job import Job
from engines.parsing.mail import document
from engines.parsing.mapi_mail import to_mail


def read_msg(job: Job) -> ParsedDocument:
    return document(job, to_mail(outlook_file.read(job.path)))


def read_tnef(job: Job) -> ParsedDocument:
    return document(job, to_mail(tnef.read(job.path.read_bytes())))
