"""Subtitles: what is said, in paragraphs that begin with their time. Numbers, positions and styles are left out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engines.parsing import Element, ParsedDocument, element_builders
from engines.parsing.job import Job
from engines.parsing.texts.text import load_counted

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})(?:[.,:](\d{1,3}))?"
_TIMES = re.compile(rf"[ \t]*{_TIME}[ \t]*(?:-->|,)[ \t]*{_TIME}(?:[ \t].*)?$")
_VOICE = re.compile(r"<v(?:\.[\w.]+)?[ \t]+([^>]*)>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.,]+>|\{\\?[A-Za-z][^{}]*\}")
_SENTENCE_END = re.compile(r"[.!?…。\uff01\uff1f][\"'”’)\]]*$")
_PAUSE_SECONDS = 4
_FULL = 500
_TOO_FULL = 1_200


class Cue(NamedTuple):
    """What is said between two times, in seconds. A first line that is empty says that another one speaks."""

    start: float
    end: float
    lines: list[str]


def read(job: Job) -> ParsedDocument:
    content = load_counted(job)
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(elements(content.text)), warnings=content.warnings
    )


def elements(text: str) -> Iterator[Element]:
    return paragraphs(_cues(text))


def paragraphs(cues: Iterable[Cue]) -> Iterator[Element]:
    """A paragraph ends with a sentence when it is full, at a pause, and where another one speaks."""
    start, end, words, size = 0.0, 0.0, list[str](), 0
    for cue in cues:
        is_full = size > _TOO_FULL or (size > _FULL and _SENTENCE_END.search(words[-1]))
        if words and (is_full or cue.start - end > _PAUSE_SECONDS or "" in cue.lines[:1]):
            yield _paragraph(start, words)
            words, size = [], 0
        start = start if words else cue.start
        end = cue.end
        words += filter(None, cue.lines)
        size += sum(map(len, cue.lines))
    if words:
        yield _paragraph(start, words)


def _cues(text: str) -> Iterator[Cue]:
    """Yield what each cue adds: those of speech recognition repeat the line before, which rolls up."""
    lines = [line.strip() for line in text.lstrip("\ufeff").split("\n")]
    times = [(at, match) for at, line in enumerate(lines) if (match := _TIMES.match(line))]
    said, speaker = "", ""
    ends = [at for at, _ in times[1:]] + [len(lines) + 1]
    for (at, match), following in zip(times, ends, strict=False):
        spoken: list[str] = []
        for line in _spoken_lines(lines[at + 1 : following]):
            if (voice := _VOICE.match(line)) and voice[1].strip() != speaker:
                speaker = voice[1].strip()
                spoken += ["", f"{speaker}:"]
            words = html.unescape(_TAG.sub("", line)).strip()
            if words and words != said:
                said = words
                spoken.append(words)
        if any(spoken):
            yield Cue(_seconds(match.groups()[:4]), _seconds(match.groups()[4:]), spoken)


def _spoken_lines(lines: list[str]) -> list[str]:
    """Return the lines up to a blank one. Without one, the last is the number or name of the next cue only if it is a
    number."""
    end = lines.index("") if "" in lines else len(lines) - (bool(lines) and lines[-1].isdigit())
    return lines[:end]


def clock_seconds(time: str) -> float:
    """Return the seconds of a time such as 00:00:01.5 or 1.5s."""
    match = re.match(_TIME, time)
    if match:
        return _seconds(match.groups())
    number = re.match(r"\d+(?:\.\d+)?", time)
    return float(number[0]) if number else 0.0


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (float(part or 0) for part in parts)
    return hours * 3600 + minutes * 60 + seconds + fraction / 1000


def _paragraph(start: float, words: list[str]) -> Element:
    minutes, seconds = divmod(int(start), 60)
    time = f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return element_builders.paragraph(f"[{time}] {' '.join(words)}")
