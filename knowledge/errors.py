"""Errors of services. The codes of documents in error are in `core.error_codes`."""

from __future__ import annotations

from core.errors import ConflictError, InvalidError, NotFoundError, PassingConflictError


class DocumentNotFoundError(NotFoundError):
    """There is no such document."""


class ReferenceNotFoundError(NotFoundError):
    """There is no such reference."""


class StoredFileMissingError(NotFoundError):
    """The stored file is gone. Upload it again."""


class FilterInvalidError(InvalidError):
    """The filter is not valid."""


class TagRuleInvalidError(InvalidError):
    """The rule's regular expression is not valid."""

    field = "pattern"


class TagInvalidError(InvalidError):
    """These tags cannot be kept."""

    field = "tags"


class UploadInvalidError(InvalidError):
    """The file cannot be added."""

    field = "files"


class UploadEndedError(InvalidError):
    """The upload is completed or cancelled, or has expired. Create another one."""


class PartsInvalidError(InvalidError):
    """The parts are not those of the file."""

    field = "part_ids"


class PartTooLargeError(InvalidError):
    """The part is too large. Send smaller ones."""

    field = "data"


class ChecksumInvalidError(InvalidError):
    """The parts have another MD5 than the file. Send the part again that differs."""

    field = "md5"


class DatasetInvalidError(InvalidError):
    """The folder is not in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv."""


class DocumentNotMovableError(ConflictError):
    """The document cannot be moved there."""


class DocumentExistsError(ConflictError):
    """The reference has a document of this external id already."""


class TrashError(ConflictError):
    """This cannot be restored now."""


class TagExistsError(ConflictError):
    """The reference has a tag of this name already, perhaps in another spelling. Merge them."""


class PrivateReferenceError(ConflictError):
    """A knowledge base keeps its own documents here. Delete the knowledge base."""


class DocumentNotFailedError(ConflictError):
    """The document is not in error. To make its passages anew, use `reindex`."""


class DocumentBusyError(PassingConflictError):
    """The document is being processed."""
