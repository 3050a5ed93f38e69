"""Texts: their encodings, code, JSON, notebooks and subtitles."""
