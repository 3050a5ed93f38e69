"""What can go wrong with documents. The codes that a document may carry are in docs/pipeline.md."""

from __future__ import annotations

from core.errors import ConflictError, InvalidError, NotFoundError, OylError


class DocumentNotFoundError(NotFoundError):
    """There is no such document."""


class ReferenceNotFoundError(NotFoundError):
    """There is no such reference."""


class StoredFileMissingError(NotFoundError):
    """The file's content is gone. Upload it again."""


class FilterInvalidError(InvalidError):
    """The filter is not valid."""


class TagRuleInvalidError(InvalidError):
    """The rule's regular expression is not valid."""


class UploadInvalidError(InvalidError):
    """The file cannot be added."""


class LeaseLostError(OylError):
    """Another worker has taken over this job, or its document was deleted or replaced meanwhile."""


class DatasetInvalidError(InvalidError):
    """The folder is not in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv."""


class DocumentBusyError(ConflictError):
    """The document is being processed."""


# Why a document may be in error although its file is not to blame: code → sentence.
JOB_ERRORS = {
    "worker_died": "Processing this file ended abruptly five times. It may be too large or malformed; replace it, or retry.",
    "internal_error": "Something in OYL failed while processing this file. Retry; if it fails again, see the worker's log.",
    "file_missing": "The stored file is gone. Upload it again.",
    "nested_too_large": "With all that is inside it, the archive has more than 10,000 files or unpacks to more than "
    "PARSER_OUTPUT_MB. Split it, or upload its files one by one.",
    "nested_too_deep": "Archives or mails are nested more than three deep. Unpack the inner ones and upload their files.",
}
