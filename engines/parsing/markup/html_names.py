"""The tags of HTML that stand inside of lines, and those of headings."""

from __future__ import annotations

INLINE_TAGS = frozenset(
    (
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "data",
            "del",
            "dfn",
            "em",
            "font",
        ),
        *(
            "i",
            "img",
            "input",
            "ins",
            "kbd",
            "label",
            "mark",
            "math",
            "nobr",
            "q",
            "rp",
            "rt",
            "ruby",
            "s",
            "samp",
        ),
        *(
            "select",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "textarea",
            "time",
            "tt",
            "u",
            "var",
            "wbr",
        ),
    )
)
HEADING_TAGS = {f"h{level}": level for level in range(1, 7)}
