"""The tables of formats and of warnings, from the registries of the parser."""

from __future__ import annotations

from collections import defaultdict

from engines.parsing.formats import FORMATS
from engines.parsing.warnings import WARNINGS


def formats() -> str:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for row in FORMATS:
        suffixes = row.suffixes or tuple(f".{label}" for label in row.detected_as)
        groups[row.group] += [f"`{suffix}`" for suffix in suffixes if suffix.startswith(".")]
    rows = (f"| {group} | {', '.join(dict.fromkeys(suffixes))} |" for group, suffixes in groups.items())
    return "\n".join(["| Format | Usual suffixes |", "| --- | --- |", *rows, ""])


def warnings() -> str:
    rows = (f"| `{code}` | {sentence} |" for code, sentence in WARNINGS.items())
    return "\n".join(["| Code | Sentence |", "| --- | --- |", *rows, ""])
