"""Which of the candidates the answer may stand on: neighbours are joined, near-identical ones dropped, and each document has
a limit, so that one of them does not crowd out the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from conversations.answering.values import Part, Passage
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.similar import folded

# Elements of a document's text are separated by a space or a blank line, and no longer gap.
MAX_GAP = 2
# A passage that has been joined is not longer.
MAX_LENGTH = 4000


def select(
    candidates: Sequence[FoundChunk], *, passages: int, per_document: int, first: int = 1
) -> tuple[Passage, ...]:
    """Return up to `passages` of them, at most `per_document` of each document, the best first, numbered from `first`."""
    runs: list[list[FoundChunk]] = []
    of_document: Counter[object] = Counter()
    for chunk in folded(candidates):
        if run := next((run for run in runs if _continues(run, chunk)), None):
            run.append(chunk)
        elif len(runs) < passages and of_document[chunk.document_id] < per_document:
            runs.append([chunk])
            of_document[chunk.document_id] += 1
    return tuple(_passage(number, run) for number, run in enumerate(runs, first))


def _continues(run: Sequence[FoundChunk], chunk: FoundChunk) -> bool:
    """Whether the chunk comes directly before or after those of the run, without the repeated header of a table."""
    if chunk.document_id != run[0].document_id or not all(map(_is_verbatim, (*run, chunk))):
        return False
    start, end = min(one.start for one in run), max(one.end for one in run)
    is_next = start < chunk.start <= end + MAX_GAP or start - MAX_GAP <= chunk.end < end
    return is_next and max(end, chunk.end) - min(start, chunk.start) <= MAX_LENGTH


def _is_verbatim(chunk: FoundChunk) -> bool:
    return len(chunk.text) == chunk.end - chunk.start


def _passage(number: int, run: Sequence[FoundChunk]) -> Passage:
    """The chunks of a run as one passage, with the id, the relevance and the scores of the best of them."""
    in_order = sorted(run, key=lambda chunk: chunk.start)
    text, end = in_order[0].text, in_order[0].end
    for chunk in in_order[1:]:
        text += "\n" * max(0, chunk.start - end) + chunk.text[max(0, end - chunk.start) :]
        end = max(end, chunk.end)
    whole = replace(
        run[0],
        text=text,
        start=in_order[0].start,
        end=end,
        page=in_order[0].page,
        last_page=in_order[-1].last_page,
        heading=in_order[0].heading,
        tags=tuple({tag.tag: tag for chunk in run for tag in chunk.tags}.values()),
    )
    parts = tuple(Part(chunk.start, chunk.chunk_id, chunk.page) for chunk in in_order)
    return Passage(number=number, chunk=whole, parts=parts if len(run) > 1 else ())
