"""The tables of reStructuredText: drawn with lines, under rules, of comma-separated values, or of nested lists."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from itertools import pairwise

from engines.parsing import Element, element_builders

_RULE = re.compile(r"[=-]+(?:[ \t]+[=-]+)*[ \t]*$")
_OPTION = re.compile(r":([\w-]+):[ \t]*(.*)$")
_ROW, _CELL = re.compile(r"\*[ \t]+-(?:[ \t]+|$)"), re.compile(r"[ \t]+-(?:[ \t]+|$)")
Words = Callable[[str], str]


def grid_table(lines: list[str], words: Words) -> Element:
    """Rows are separated by rules, and columns by bars under the crosses of the rules. A cell may have several lines, and
    cover several places, in each of which it stands."""
    edges = sorted(
        {at for line in lines for at, sign in enumerate(line) if sign == "+" and line.startswith("+")}
    )
    rows: list[list[str]] = []
    cells: list[list[str]] = []
    header_rows = 0
    for line in lines:
        if set(line) <= set("+-=") and line.startswith("+"):
            rows += (
                [[words(" ".join(filter(None, cell))) for cell in zip(*cells, strict=True)]] if cells else []
            )
            header_rows = len(rows) if "=" in line else header_rows
            cells = []
        else:
            cells.append(_grid_cells(line, edges))
    return element_builders.table(rows, header_rows=header_rows if header_rows < len(rows) else 0)


def _grid_cells(line: str, edges: list[int]) -> list[str]:
    found: list[str] = []
    for start, end in pairwise(edges):
        if line[start : start + 1] in ("|", "+"):
            stop = next(
                (edge for edge in edges if edge >= end and line[edge : edge + 1] in ("|", "+", "")), len(line)
            )
            found.append(line[start + 1 : stop].strip())
        else:
            found.append(found[-1] if found else "")
    return found


def simple_table(lines: list[str], start: int, words: Words) -> tuple[int, Element]:
    """Columns begin under the runs of '='. A row whose first cell is empty continues the one above. Return the index behind
    the table, too."""
    end, rules = start + 1, [start]
    while end < len(lines) and (lines[end] or len(rules) < 3):
        rules += [end] if set(lines[end]) == {"=", " "} or set(lines[end]) == {"="} else []
        end += 1
    edges = [run.start() for run in re.finditer(r"=+", lines[start])]
    rows: list[list[str]] = []
    header_rows = 0
    inner_rules = set(rules[1:-1])
    for at in range(start + 1, end):
        if at in inner_rules:
            header_rows = len(rows)
        elif lines[at] and not _RULE.match(lines[at]):
            cells = [lines[at][a:b].strip() for a, b in zip(edges, [*edges[1:], None], strict=True)]
            if rows and not cells[0]:
                rows[-1] = [f"{old} {new}" for old, new in zip(rows[-1], cells, strict=True)]
            else:
                rows.append(cells)
    return end, element_builders.table(
        ([words(cell) for cell in row] for row in rows), header_rows=header_rows
    )


def csv_table(block: list[str], words: Words) -> Element:
    options, content = _split_options(block)
    delimiter = {"tab": "\t", "space": " "}.get(options.get("delim", ","), options.get("delim", ","))
    header = list(csv.reader([options["header"]], skipinitialspace=True)) if "header" in options else []
    rows = [*header, *csv.reader(content, delimiter=delimiter[:1] or ",", skipinitialspace=True)]
    header_rows = len(header) + _integer(options.get("header-rows"))
    return element_builders.table(([words(cell) for cell in row] for row in rows), header_rows=header_rows)


def list_table(block: list[str], words: Words) -> Element:
    options, content = _split_options(block)
    rows: list[list[str]] = []
    for line in content:
        if row := _ROW.match(line):
            rows.append([line[row.end() :]])
        elif (cell := _CELL.match(line)) and rows:
            rows[-1].append(line[cell.end() :])
        elif rows:
            rows[-1][-1] += f" {line.strip()}"
    header_rows = _integer(options.get("header-rows"))
    return element_builders.table(([words(cell) for cell in row] for row in rows), header_rows=header_rows)


def _split_options(block: list[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    for at, line in enumerate(block):
        if not (option := _OPTION.match(line)):
            return options, block[at:]
        options[option[1]] = option[2]
    return options, []


def _integer(value: str | None) -> int:
    return int(value) if value and value.isdecimal() else 0
