"""CSV and TSV."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from itertools import islice

from engines.parsing import ParsedDocument
from engines.parsing.job import Job
from engines.parsing.readers.tables import TSV
from engines.parsing.sheets.tables import blocks_of_rows, table_elements, without_empty_columns
from engines.parsing.texts import text

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_MAX_LINES = 20  # of a cell
_SAMPLE_CHARACTERS = 65_536
_DECLARED = re.compile(r'"?sep=(.)"?\n', re.I)


def read(job: Job) -> ParsedDocument:
    loaded = text.load_counted(job)
    content = loaded.text
    csv.field_size_limit(max(len(content), 131_072))
    declared = _DECLARED.match(content)  # Excel's own first line
    if declared:
        content = content[declared.end() :]
    delimiter = declared[1] if declared else "\t" if job.mime_type == TSV else _delimiter(content)
    rows = _rows(content, delimiter)
    elements = [
        element for block in blocks_of_rows(rows) for element in table_elements(without_empty_columns(block))
    ]
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements), warnings=loaded.warnings)


def _rows(content: str, delimiter: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(content), delimiter=delimiter))
    is_torn = content.count('"') % 2 and any(cell.count("\n") > _MAX_LINES for row in rows for cell in row)
    if not is_torn:
        return rows
    # A quotation mark that is never closed, as in 12" pipe, would make one cell of all that follows.
    return list(csv.reader(io.StringIO(content), delimiter=delimiter, quoting=csv.QUOTE_NONE))


def _delimiter(content: str) -> str:
    """Return the one that splits most of the first rows into the same number of cells, the more the better."""
    sample = content[:_SAMPLE_CHARACTERS]

    def score(mark: str) -> tuple[int, int]:
        rows = islice(csv.reader(io.StringIO(sample), delimiter=mark), _SAMPLE_ROWS)
        widths = Counter(len(row) for row in rows if len(row) > 1)
        (width, count), *_ = widths.most_common(1) or [(0, 0)]
        return count, width

    return max(_DELIMITERS, key=score)
