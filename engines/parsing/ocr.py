"""Text in pictures, by RapidOCR with the models of its own package, on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from statistics import fmean, median
from typing import Any

import numpy as np

from engines.parsing import ParseError
from engines.parsing.job import Job
from engines.parsing.layout import Line

_SURE_ENOUGH = 0.5
_SURELY_UPRIGHT = 0.85  # upright text scores 0.92 and more, upside down 0.8 and less
# Lines are looked for in a smaller picture, and read in the large one: in a large one, finding them takes 400 MB.
_LONGEST_SIDE = 1088
_NARROWEST = 96  # narrower lines are filled up to this width
_COLUMN_LINES = 5
_COLUMN_LETTERS = 15


def check_pages(job: Job, pages: int) -> None:
    """To be called before the first of them is recognised: each takes about a second."""
    if pages > job.limits.ocr_pages:
        raise ParseError("ocr_too_long", pages=pages, limit=job.limits.ocr_pages)


def lines(job: Job, pixels: Any, page: int) -> list[Line]:
    """`pixels`: rows of blue, green and red, as numpy holds them. In reading order."""
    result = _upright(pixels)
    job.advance()
    if result.boxes is None:
        return []
    # Heights of boxes vary with the letters in a line, so they do not tell titles: one size for all.
    size = float(median(box[:, 1].max() - box[:, 1].min() for box in result.boxes))
    texts = zip(result.boxes, result.txts, strict=True)
    return _in_reading_order([_line(box, text, page, size) for box, text in texts if text.strip()])


def _upright(pixels: Any) -> Any:
    """Recognised as it lies, and turned while it reads badly: a page on its side, or upside down. (To let a
    classifier turn line by line is slower, and it turns many that stood upright.)"""
    result = _recognised(pixels)
    if _is_on_its_side(result):
        pixels = np.rot90(pixels)
        result = _recognised(pixels)
    if _sureness(result) < _SURELY_UPRIGHT:
        result = max(result, _recognised(np.rot90(pixels, 2)), key=_understood)
    return result


def _recognised(pixels: Any) -> Any:
    return _engine()(np.ascontiguousarray(pixels))


def _is_on_its_side(result: Any) -> bool:
    boxes = () if result.boxes is None else result.boxes
    tall = sum(bool(np.ptp(box[:, 1]) > 1.5 * np.ptp(box[:, 0])) for box in boxes)
    return tall * 2 > len(boxes)


def _sureness(result: Any) -> float:
    return fmean(result.scores or (0.0,))


def _understood(result: Any) -> float:
    """How many letters, the sure ones more."""
    lines = zip(result.scores or (), result.txts or (), strict=True)
    return sum(float(score) * len(text) for score, text in lines)


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": _SURE_ENOUGH,
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": _LONGEST_SIDE,
            "Rec.rec_batch_num": 1,  # lines in a batch are as wide as the widest: slower, and more memory
            "Rec.rec_img_shape": [3, 48, _NARROWEST],
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _line(box: Any, text: str, page: int, size: float) -> Line:
    across, down = box[:, 0], box[:, 1]
    return Line(
        text=text,
        page=page,
        left=float(across.min()),
        right=float(across.max()),
        top=float(down.min()),
        bottom=float(down.max()),
        size=size,
    )


def _in_reading_order(found: list[Line]) -> list[Line]:
    """Column by column between the lines that run across them; in a column, row by row."""
    gutter = _gutter(found)
    if gutter is None:
        return list(_rows(found))
    ordered: list[Line] = []
    zone: list[Line] = []
    for line in sorted(found, key=lambda line: line.top):
        if line.left < gutter < line.right:
            ordered += [*_side_by_side(zone, gutter), line]
            zone = []
        else:
            zone.append(line)
    return ordered + _side_by_side(zone, gutter)


def _side_by_side(zone: list[Line], gutter: float) -> list[Line]:
    left = [line for line in zone if line.right <= gutter]
    right = [line for line in zone if line.right > gutter]
    return _in_reading_order(left) + _in_reading_order(right)


def _gutter(found: list[Line]) -> float | None:
    """Where the page divides into two columns of prose: an upright band that only a few wide lines cross."""
    if len(found) < 2 * _COLUMN_LINES:
        return None
    left, right = min(line.left for line in found), max(line.right for line in found)
    narrow = [line for line in found if line.right - line.left < 0.6 * (right - left)]
    for step in range(10, 31):
        x = left + (right - left) * (step if step % 2 else 40 - step) / 40
        crossing = sum(line.left < x < line.right for line in narrow)
        sides = [line for line in narrow if line.right <= x], [line for line in narrow if line.left >= x]
        if crossing * 20 <= len(narrow) and all(map(_is_column, sides)):
            return x
    return None


def _is_column(side: list[Line]) -> bool:
    """Long lines, as prose has them and the cells of a table do not."""
    return len(side) >= _COLUMN_LINES and sum(len(line.text) for line in side) >= _COLUMN_LETTERS * len(side)


def _rows(found: list[Line]) -> Iterator[Line]:
    """What stands side by side in one row is one line."""
    row: list[Line] = []
    for line in sorted(found, key=lambda line: line.top + line.bottom):
        if row and line.top + line.bottom - row[0].top - row[0].bottom > row[0].bottom - row[0].top:
            yield _merged(row)
            row = []
        row.append(line)
    if row:
        yield _merged(row)


def _merged(row: list[Line]) -> Line:
    row.sort(key=lambda line: line.left)
    return replace(
        row[0],
        text=" ".join(line.text for line in row),
        right=max(line.right for line in row),
        top=min(line.top for line in row),
        bottom=max(line.bottom for line in row),
    )
