"""Optical character recognition, by RapidOCR with the models of its own package, on one thread."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

import numpy as np

from engines.parsing import ParseError
from engines.parsing.job import Job
from engines.parsing.pages.aligned_cells import rows_of
from engines.parsing.pages.blocks import Line, Table
from engines.parsing.pages.columns import find_gutter
from engines.parsing.pages.rules import NO_RULES
from engines.parsing.pages.tables import with_tables

_MIN_SCORE = 0.5
_MIN_UPRIGHT_SCORE = 0.85  # upright text scores 0.92 and more, upside-down text 0.8 and less
# Lines are detected in a smaller image and read in the large one: detecting them in a large one takes 400 MB.
_DETECTION_SIDE_PIXELS = 1088
_MIN_LINE_WIDTH = 96  # narrower lines are padded to this width
_MIN_CONFIDENCE, _MAX_CONFIDENCE = (
    78,
    99,
)  # readable text has 90 and more; only the text of a file itself is certain
_return_memory = getattr(ctypes.CDLL(None), "malloc_trim", None)  # the C library may have none
_LETTER_WIDTH = 0.5  # of the height of a line
_MIN_LETTERS = 12  # fewer may be no text at all
_MIN_READ_SHARE = 0.35


def check_pages(job: Job, pages: int) -> None:
    """Raise ParseError if there are too many pages. Call it before recognising the first: each takes about a second."""
    if pages > job.limits.ocr_pages:
        raise ParseError("ocr_too_long", pages=pages, limit=job.limits.ocr_pages)


class Recognition(NamedTuple):
    """Blocks in reading order. `is_unreadable`: there is text, of which nothing reliable was recognised, for example because
    the model does not know its script; then there are no blocks. `confidence` is in percent."""

    blocks: list[Line | Table]
    is_unreadable: bool = False
    confidence: int = 100


def recognise(job: Job, pixels: Any, page: int) -> Recognition:
    """`pixels` is a numpy array of rows of blue, green and red."""
    result = _recognise_upright(pixels)
    job.restart_timeout()
    if result.boxes is None:
        return Recognition([])
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
            confidence=min(_MAX_CONFIDENCE, round(score * 100)),
        )
        for box, text, score in zip(result.boxes, result.txts, result.scores, strict=True)
        if text.strip() and score >= _MIN_SCORE
    ]
    confidence = _confidence(lines)
    if _is_unreadable(lines, result.boxes, confidence):
        return Recognition([], is_unreadable=True)
    return Recognition(_sort_by_reading_order(with_tables(lines, NO_RULES)), confidence=confidence)


def _confidence(lines: Sequence[Line]) -> int:
    letters = sum(len(line.text) for line in lines)
    return round(sum(line.confidence * len(line.text) for line in lines) / max(letters, 1))


def _is_unreadable(lines: Sequence[Line], boxes: Any, confidence: int) -> bool:
    """Return whether text was found of which most was not recognised, or badly. Of Greek the model knows only the letters of
    formulas."""
    letters = [letter for line in lines for letter in line.text if letter.isalpha()]
    greek = sum("\u0370" <= letter <= "\u03ff" for letter in letters)
    expected = sum(float(np.ptp(box[:, 0]) / max(np.ptp(box[:, 1]), 1.0)) / _LETTER_WIDTH for box in boxes)
    is_little = (
        expected >= _MIN_LETTERS and sum(len(line.text) for line in lines) < _MIN_READ_SHARE * expected
    )
    return is_little or (bool(lines) and confidence < _MIN_CONFIDENCE) or greek * 3 > len(letters) > 0


def _recognise_upright(pixels: Any) -> Any:
    """Turn the page if most of its lines are vertical, or if it scores badly. (A classifier that turns line by line is
    slower, and turns many lines that are upright.)"""
    result = _run_engine(pixels)
    boxes = () if result.boxes is None else result.boxes
    vertical = sum(bool(np.ptp(box[:, 1]) > 1.5 * np.ptp(box[:, 0])) for box in boxes)
    if vertical * 2 > len(boxes):
        pixels = np.rot90(pixels)
        result = _run_engine(pixels)
    if fmean([score for score in result.scores or () if score >= _MIN_SCORE] or [0.0]) < _MIN_UPRIGHT_SCORE:
        turned = _run_engine(np.rot90(pixels, 2))
        result = max(result, turned, key=_scored_letters)
    return result


def _run_engine(pixels: Any) -> Any:
    if _return_memory:  # what the last run has freed: this one would not fit into its pieces
        _return_memory(0)
    return engine()(np.ascontiguousarray(pixels))


def _scored_letters(result: Any) -> float:
    """Return the number of letters, weighted by their scores."""
    lines = zip(result.scores or (), result.txts or (), strict=True)
    return sum(float(score) * len(text) for score, text in lines if score >= _MIN_SCORE)


@cache
def engine() -> Any:
    """Return the engine, which takes a second to load."""
    import rapidocr

    engine = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": 0.0,
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": _DETECTION_SIDE_PIXELS,
            "Rec.rec_batch_num": 1,  # lines in a batch are as wide as the widest: slower, and more memory
            "Rec.rec_img_shape": [3, 48, _MIN_LINE_WIDTH],
        }
    )
    models = Path(rapidocr.__file__).parent / "models"
    engine.cfg._set_flag("allow_objects", True)  # as its sessions are
    engine.cfg.Det.session = _session(next(models.glob("*_det_*.onnx")))
    engine.cfg.Rec.session = _session(next(models.glob("*_rec_*.onnx")))
    return engine


def _session(model: Path) -> Any:
    """Return what runs a model, on one thread, without the last optimisation: that takes 80 MB for nothing."""
    from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

    options = SessionOptions()
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _sort_by_reading_order(blocks: list[Line | Table]) -> list[Line | Table]:
    """Order the blocks by columns, between those that cross them, and join the lines of each row in a column."""
    gutter = find_gutter([block for block in blocks if isinstance(block, Line)])
    if gutter is None:
        return _join_rows(blocks)
    ordered: list[Line | Table] = []
    zone: list[Line | Table] = []
    for block in sorted(blocks, key=lambda block: block.top):
        if block.left < gutter < block.right:
            ordered += [*_sort_columns(zone, gutter), block]
            zone = []
        else:
            zone.append(block)
    return ordered + _sort_columns(zone, gutter)


def _sort_columns(blocks: list[Line | Table], gutter: float) -> list[Line | Table]:
    left = [block for block in blocks if block.right <= gutter]
    right = [block for block in blocks if block.right > gutter]
    return _sort_by_reading_order(left) + _sort_by_reading_order(right)


def _join_rows(blocks: list[Line | Table]) -> list[Line | Table]:
    """Join lines that are side by side."""
    tables: list[Line | Table] = [block for block in blocks if isinstance(block, Table)]
    rows: list[Line | Table] = [
        replace(
            row[0],
            text=" ".join(line.text for line in row),
            right=max(line.right for line in row),
            top=min(line.top for line in row),
            bottom=max(line.bottom for line in row),
            confidence=min(line.confidence for line in row),
        )
        for row in rows_of(block for block in blocks if isinstance(block, Line))
    ]
    return sorted(rows + tables, key=lambda block: block.top)
