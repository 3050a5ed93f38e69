"""Plain text, source code, configuration, JSON, notebooks and subtitles."""

from __future__ import annotations

import json

import pytest

from tests.engines.reading import Read, outline, texts

MODULE = '''"""Counts bees."""

import os


class Hive:
    def count(self, frames):
        # each frame has bees
        total = 0
        return total
'''


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.py", MODULE),
        ("a.yaml", "service:\n  name: ferry\n  ports:\n    - 8080\n- a"),
        ("a.toml", "[tool]\n  key = 1\n\n[tool.sub]\n  more = 2"),
        ("a.ini", "[one]\nkey =   value\n    continued"),
        ("a.go", "func f() {\n\treturn 1\n}"),
        ("a.log", "ERROR in f\n    at g (x.js:1)\n    at h (x.js:2)"),
    ],
)
def test_code_keeps_its_indentation(read: Read, name: str, source: str) -> None:
    assert outline(read(name, source.encode())) == [("code", source.rstrip())]


def test_code_is_cut_between_functions(read: Read) -> None:
    function = "def f{}():\n    x = 1\n\n" + "    y = 2  # words\n" * 40 + "    return x\n\n"
    parts = outline(read("a.py", "".join(function.format(n) for n in range(5)).encode()))
    assert len(parts) == 5
    assert all(kind == "code" and text.startswith("def f") for kind, text in parts)


def test_columns_in_text_stay_aligned(read: Read) -> None:
    table = "Article        Qty   Shelf\n-------        ---   -----\nHammer          12     A4\nSaw                    B1"
    prose = "The  words of  this paragraph\nare   justified with   spaces\nthat are  not above   each other.  They move."
    document = read("a.txt", f"STOCK LIST\n\n{table}\n\n{prose}".encode())
    assert [str(element.kind) for element in document.elements] == ["text", "code", "text"]
    assert document.elements[1].text == table


def test_rows_with_blank_lines_between_them_stay_aligned(read: Read) -> None:
    rows = ["Article        Qty   Shelf", "Hammer          12     A4", "Saw                    B1", "End."]
    document = read("a.txt", "\n\n".join(rows).encode())
    assert outline(document) == [
        ("code", "\n".join(rows[:3])),
        ("text", "End."),
    ]


def test_json_keeps_numbers_and_words_as_written(read: Read) -> None:
    document = read(
        "a.json",
        b'{"price": 1.50, "big": 12345678901234567890123, "e": 1e5, "ok": true, "tags": ["a", false]}',
    )
    assert texts(document) == "price: 1.50\nbig: 12345678901234567890123\ne: 1e5\nok: true\ntags: a, false"


def test_each_record_is_an_element(read: Read) -> None:
    rows = [{"id": n, "name": "part " * 120} for n in range(3)]
    document = read(
        "a.json", json.dumps({"unit": "mm", "rows": rows, "total": 3}, separators=(",", ":")).encode()
    )
    assert [element.text for element in document.elements] == [
        "unit: mm",
        *(f"rows.id: {n}\nrows.name: {' '.join(['part'] * 120)}" for n in range(3)),
        "total: 3",
    ]


def test_large_records_are_divided_between_their_parts(read: Read) -> None:
    value = {"a": {"text": "word " * 250}, "b": {"text": "other " * 250}}
    assert [
        element.text.split(":")[0] for element in read("a.json", json.dumps(value).encode()).elements
    ] == ["a.text", "b.text"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_one_bad_line_costs_one_line(read: Read, name: str) -> None:
    document = read(name, b'{"id": 1}\n{"id": 2}\n{broken\n{"id": 4}\n')
    assert [element.text for element in document.elements] == ["id: 1", "id: 2", "{broken", "id: 4"]
    assert [warning.code for warning in document.warnings] == ["damaged"]
    assert "line 3 " in document.warnings[0].detail


def test_values_that_follow_each_other_are_read(read: Read) -> None:
    assert texts(read("a.json", b'{"id": 1}\n{\n "id": 2\n}')) == "id: 1\nid: 2"


def test_other_notations_of_json_are_code(read: Read) -> None:
    source = "{\n  // the port\n  port: 8080,\n  hosts: ['a',],\n}"
    assert outline(read("a.json", source.encode())) == [("code", source)]


def notebook(*cells: dict[str, object], **more: object) -> bytes:
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": cells, **more}).encode()


def test_notebooks_have_what_the_code_printed(read: Read) -> None:
    outputs = [
        {"output_type": "stream", "text": ["kappa 0.82\n"]},
        {
            "output_type": "execute_result",
            "data": {"text/plain": "   a\n0  1", "text/html": "<table><tr><th><th>a<tr><td>0<td>1</table>"},
        },
        {
            "output_type": "execute_result",
            "data": {"text/plain": ["mean 7.31 tonnes"], "text/html": "<b>7.31</b>"},
        },
        {"output_type": "display_data", "data": {"text/plain": "<Figure 1>", "image/png": "iVBO"}},
        {
            "output_type": "error",
            "ename": "ValueError",
            "evalue": "no field 9",
            "traceback": ["\x1b[31mValueError"],
        },
    ]
    document = read(
        "a.ipynb",
        notebook(
            {"cell_type": "markdown", "source": ["# Title\n"]},
            {"cell_type": "code", "source": "run()", "outputs": outputs},
            {"cell_type": "raw", "source": "raw words"},
        ),
    )
    assert outline(document) == [
        ("title", "Title"),
        ("code", "run()"),
        ("code", "kappa 0.82"),
        ("table", "| a\n0 | 1"),
        ("code", "mean 7.31 tonnes"),
        ("code", "ValueError: no field 9"),
        ("text", "raw words"),
    ]
    assert [warning.detail for warning in document.warnings] == [
        "Parts of the file were not read: 1 pictures that the code drew."
    ]


def test_old_notebooks_are_read(read: Read) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Part"},
        {
            "cell_type": "code",
            "input": ["x = 41"],
            "outputs": [{"output_type": "pyout", "text": ["41"], "html": ""}],
        },
    ]
    data = json.dumps({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}).encode()
    assert outline(read("a.ipynb", data)) == [("title", "Part"), ("code", "x = 41"), ("code", "41")]


SPOKEN = "[0:00:01] Welcome to the tour of the old shipyard. The dry dock was built in 1911."


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "a.srt",
            "1\r\n00:00:01,000 --> 00:00:04,000\r\nWelcome to the tour of\r\nthe old shipyard.\r\n\r\n"
            "2\r\n00:00:04,500 --> 00:00:07,000 X1:40\r\n<i>The dry dock</i> was {\\an8}built in 1911.\r\n",
        ),
        (
            "a.vtt",
            "WEBVTT - tour\n\nSTYLE\n::cue { color: red }\n\nNOTE not shown\n\nintro\n00:01.000 --> 00:04.000 align:start\n"
            "Welcome to the tour of\nthe old shipyard.\n\n00:04.500 --> 00:07.000\n<c.loud>The dry</c> <00:05.000>dock was "
            "built in 1911.",
        ),
        (
            "a.sbv",
            "0:00:01.000,0:00:04.000\nWelcome to the tour of\nthe old shipyard.\n\n"
            "0:00:04.500,0:00:07.000\nThe dry dock was built in 1911.",
        ),
        (
            "a.ttml",
            '<tt xmlns="http://www.w3.org/ns/ttml"><body><p begin="00:00:01.0" end="4s">Welcome to the tour of<br/>the old '
            'shipyard.</p><p begin="00:00:04.5" end="00:00:07">The <span>dry dock</span> was built in 1911.</p></body></tt>',
        ),
        (
            "a",
            "WEBVTT\n\n00:01.000 --> 00:04.000\nWelcome to the tour of the old shipyard. The dry dock was built in 1911.\n",
        ),
    ],
)
def test_subtitles_are_sentences(read: Read, name: str, source: str) -> None:
    assert outline(read(name, source.encode())) == [("text", SPOKEN)]


def test_subtitles_name_speakers_and_begin_anew_after_a_pause(read: Read) -> None:
    source = """WEBVTT

00:01.000 --> 00:02.000
<v Ada>Where are we?

00:02.000 --> 00:03.000
<v Ada>I see.
<v Bob>In Ulm &amp; around.

01:00:10.000 --> 01:00:12.000
Much later.
"""
    assert [element.text for element in read("a.vtt", source.encode()).elements] == [
        "[0:00:01] Ada: Where are we? I see. Bob: In Ulm & around.",
        "[1:00:10] Much later.",
    ]


def test_rolling_subtitles_are_not_repeated(read: Read) -> None:
    source = "WEBVTT\n\n00:01.000 --> 00:02.000\nfirst line\n\n00:02.000 --> 00:03.000\nfirst line\nsecond<c> line</c>\n"
    assert texts(read("a.vtt", source.encode())) == "[0:00:01] first line second line"


@pytest.mark.parametrize(
    "tree",
    [
        "docs\n├── a.md\n│   └── b.md\n└── src",
        "docs\n|-- a.md\n|   `-- b.md\n`-- src",
        "docs\n+--- a\n|   \\--- b",
    ],
)
def test_trees_of_folders_keep_their_branches(read: Read, tree: str) -> None:
    assert outline(read("a.txt", f"{tree}\n\nThese are the folders.".encode())) == [
        ("code", tree),
        ("text", "These are the folders."),
    ]
