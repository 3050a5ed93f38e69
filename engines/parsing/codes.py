"""Every reason why a file could not be read: one stable code, one sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass

from engines.parsing import ParseError

SUPPORTED = (
    "text, Markdown, HTML, reStructuredText, Org, CSV, TSV, JSON, XML, YAML, notebooks, Word, PowerPoint, "
    "Excel, OpenDocument text, RTF, EPUB, mail, PDF, images and zip archives"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """`sentence` may name facts in braces; `retryable` is true where the file itself is not to blame."""

    sentence: str
    retryable: bool = False


CODES: dict[str, Problem] = {
    "empty_file": Problem("The file is empty. Upload it again."),
    "file_missing": Problem("The file is no longer in the storage. Upload it again."),
    "unsupported_type": Problem(f'Files of type "{{type}}" cannot be read. Supported are: {SUPPORTED}.'),
    "password_protected": Problem("The file is encrypted. Save a copy without a password and upload that."),
    "corrupt_file": Problem("The file is damaged or is no valid {type}. Save it anew and upload it again."),
    "too_deep": Problem(
        "The file's parts are nested more deeply than can be read. Save it in a simpler form and upload that."
    ),
    "too_many_pages": Problem("The file has {pages} pages; at most {limit} are read. Split it."),
    "no_text": Problem("The file can be opened, but no text was found in it."),
    "needs_libreoffice": Problem(
        "Old {type} files are read through LibreOffice, which is not installed. Install it, so that `soffice` is "
        "on the PATH, or save the file in a newer format."
    ),
    "ocr_too_long": Problem(
        "The file has {pages} scanned pages; at most {limit} are recognised. Split it, or raise "
        "PARSER_OCR_PAGES."
    ),
    "image_too_large": Problem(
        "The image has {pixels} million pixels; at most {limit} million are read. Scale it down."
    ),
    "archive_too_large": Problem("The archive {fact}. Split it, or upload its files one by one."),
    "unpacks_too_large": Problem(
        "The file unpacks to {size} MB, more than the {limit} MB allowed. Split it, or raise "
        "PARSER_OUTPUT_MB."
    ),
    "output_too_large": Problem(
        "The file holds more than {limit} MB of text. Split it, or raise PARSER_TEXT_MB."
    ),
    "parse_timeout": Problem(
        "Reading the file took longer than {seconds} s. Split it, or raise PARSER_SECONDS."
    ),
    "parse_memory": Problem(
        "Reading the file needed more than {megabytes} MB of memory. Split it, or raise PARSER_MEMORY_MB."
    ),
    "parse_crash": Problem("The file crashed its reader. Save it in another format and upload that."),
    "parse_interrupted": Problem("Reading the file was interrupted from outside. Retry.", retryable=True),
    "disk_full": Problem("There was no room left on the disk while reading the file.", retryable=True),
    "parser_unavailable": Problem(
        "The parser process could not be started. The worker's log says why.", retryable=True
    ),
}


def problem(code: str, **facts: object) -> ParseError:
    """The error of that code, its sentence completed with `facts`."""
    known = CODES[code]
    return ParseError(code, known.sentence.format(**facts), retryable=known.retryable)
