"""Optical character recognition, by RapidOCR with the models of its own package, on one thread."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from statistics import fmean, median
from typing import Any

import numpy as np

from engines.parsing import ParseError
from engines.parsing.job import Job
from engines.parsing.layout import Line

_MIN_SCORE = 0.5
_MIN_UPRIGHT_SCORE = 0.85  # upright text scores 0.92 and more, upside-down text 0.8 and less
# Lines are detected in a smaller image and read in the large one: detecting them in a large one takes 400 MB.
_DETECTION_SIDE_PIXELS = 1088
_MIN_LINE_WIDTH = 96  # narrower lines are padded to this width
_MIN_COLUMN_LINES = 5
_MIN_COLUMN_LETTERS = 15


def check_pages(job: Job, pages: int) -> None:
    """Raise ParseError if there are too many pages. Call it before recognising the first: each takes about a second."""
    if pages > job.limits.ocr_pages:
        raise ParseError("ocr_too_long", pages=pages, limit=job.limits.ocr_pages)


def recognise(job: Job, pixels: Any, page: int) -> list[Line]:
    """Return the lines in reading order. `pixels` is a numpy array of rows of blue, green and red."""
    result = _recognise_upright(pixels)
    job.restart_timeout()
    if result.boxes is None:
        return []
    # The height of a box depends on the letters in its line, so it does not show titles: use one size for all.
    size = float(median(box[:, 1].max() - box[:, 1].min() for box in result.boxes))
    lines = [
        Line(
            text=text,
            page=page,
            left=float(box[:, 0].min()),
            right=float(box[:, 0].max()),
            top=float(box[:, 1].min()),
            bottom=float(box[:, 1].max()),
            size=size,
        )
        for box, text in zip(result.boxes, result.txts, strict=True)
        if text.strip()
    ]
    return _sort_by_reading_order(lines)


def _recognise_upright(pixels: Any) -> Any:
    """Turn the page if most of its lines are vertical, or if it scores badly. (A classifier that turns line by line is
    slower, and turns many lines that are upright.)"""
    result = _run_engine(pixels)
    boxes = () if result.boxes is None else result.boxes
    vertical = sum(bool(np.ptp(box[:, 1]) > 1.5 * np.ptp(box[:, 0])) for box in boxes)
    if vertical * 2 > len(boxes):
        pixels = np.rot90(pixels)
        result = _run_engine(pixels)
    if fmean(result.scores or (0.0,)) < _MIN_UPRIGHT_SCORE:
        turned = _run_engine(np.rot90(pixels, 2))
        result = max(result, turned, key=_scored_letters)
    return result


def _run_engine(pixels: Any) -> Any:
    return engine()(np.ascontiguousarray(pixels))


def _scored_letters(result: Any) -> float:
    """Return the number of letters, weighted by their scores."""
    lines = zip(result.scores or (), result.txts or (), strict=True)
    return sum(float(score) * len(text) for score, text in lines)


@cache
def engine() -> Any:
    """Return the engine, which takes a second to load."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": _MIN_SCORE,
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": _DETECTION_SIDE_PIXELS,
            "Rec.rec_batch_num": 1,  # lines in a batch are as wide as the widest: slower, and more memory
            "Rec.rec_img_shape": [3, 48, _MIN_LINE_WIDTH],
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _sort_by_reading_order(lines: list[Line]) -> list[Line]:
    """Order the lines by columns, between the lines that cross them, and join the lines of each row in a column."""
    gutter = _find_gutter(lines)
    if gutter is None:
        return _join_rows(lines)
    ordered: list[Line] = []
    zone: list[Line] = []
    for line in sorted(lines, key=lambda line: line.top):
        if line.left < gutter < line.right:
            ordered += [*_sort_columns(zone, gutter), line]
            zone = []
        else:
            zone.append(line)
    return ordered + _sort_columns(zone, gutter)


def _sort_columns(lines: list[Line], gutter: float) -> list[Line]:
    left = [line for line in lines if line.right <= gutter]
    right = [line for line in lines if line.right > gutter]
    return _sort_by_reading_order(left) + _sort_by_reading_order(right)


def _find_gutter(lines: list[Line]) -> float | None:
    """Return where the page divides into two columns of prose: few lines, all of them wide, cross that position."""
    if len(lines) < 2 * _MIN_COLUMN_LINES:
        return None
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    narrow = [line for line in lines if line.right - line.left < 0.6 * (right - left)]
    for step in range(10, 31):
        x = left + (right - left) * (step if step % 2 else 40 - step) / 40
        crossing = sum(line.left < x < line.right for line in narrow)
        sides = [line for line in narrow if line.right <= x], [line for line in narrow if line.left >= x]
        # Prose has many long lines on both sides; the cells of a table are short.
        are_columns = all(
            len(side) >= _MIN_COLUMN_LINES
            and sum(len(line.text) for line in side) >= _MIN_COLUMN_LETTERS * len(side)
            for side in sides
        )
        if crossing * 20 <= len(narrow) and are_columns:
            return x
    return None


def _join_rows(lines: list[Line]) -> list[Line]:
    """Join lines that are side by side."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.top + line.bottom):
        first = rows[-1][0] if rows else line
        if not rows or line.top + line.bottom - first.top - first.bottom > first.bottom - first.top:
            rows.append([])
        rows[-1].append(line)
    for row in rows:
        row.sort(key=lambda line: line.left)
    return [
        replace(
            row[0],
            text=" ".join(line.text for line in row),
            right=max(line.right for line in row),
            top=min(line.top for line in row),
            bottom=max(line.bottom for line in row),
        )
        for row in rows
    ]
