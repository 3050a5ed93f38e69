"""Messages of Outlook: .msg files, and winmail.dat."""

from __future__ import annotations

from engines.parsing import ParsedDocument
from engines.parsing.job import Job
from engines.parsing.mail import outlook_file, tnef
from engines.parsing.mail.mapi_mail import to_mail
from engines.parsing.mail.reader import document


def read_msg(job: Job) -> ParsedDocument:
    return document(job, to_mail(outlook_file.read(job.path)))


def read_tnef(job: Job) -> ParsedDocument:
    return document(job, to_mail(tnef.read(job.path.read_bytes())))
