"""Subtitles."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

VTT = "text/vtt"
READER = "engines.parsing.texts.subtitles.read"
FORMATS: tuple[Format, ...] = (
    text_format("application/x-subrip", READER, "SubRip", ".srt", group="subtitles", detected_as=("srt",)),
    text_format(VTT, READER, "WebVTT", ".vtt", group="subtitles", detected_as=("vtt",)),
    text_format("text/x-sbv", READER, "SubViewer", ".sbv", ".sub", group="subtitles"),
)
