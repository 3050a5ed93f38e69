"""The length of functions, and private helpers with one use: `python -m tests.contracts.code_figures [FOLDER …]`.

Without folders, of all own packages; tests and migrations are left out. A function's lines are those from `def` to its end.
A private helper has one use when its name, which begins with one underscore, is read once in its file.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LEFT_OUT = {"migrations", "tests", "test", ".venv", "node_modules"}
PACKAGES = (
    "core",
    "engines",
    "jobs",
    "audit",
    "tenants",
    "workspaces",
    "assistants",
    "knowledge",
    "conversations",
    "workflows",
    "webhooks",
    "oyl",
)


@dataclass(frozen=True, slots=True)
class Function:
    """`uses` is how often its name is read in its file."""

    path: Path
    name: str
    lines: int
    uses: int

    @property
    def is_single_use_helper(self) -> bool:
        is_private = self.name.startswith("_") and not self.name.startswith("__")
        return is_private and self.uses == 1


def functions_of(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text())
    read = Counter(_names_read(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield Function(path, node.name, node.end_lineno - node.lineno + 1, read[node.name])


def _names_read(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def sources(folders: Sequence[Path]) -> list[Path]:
    found = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [path for path in found if not LEFT_OUT & set(path.parts)]


def row(name: str, functions: Sequence[Function]) -> str:
    lengths = sorted(function.lines for function in functions)
    helpers = sum(function.is_single_use_helper for function in functions)
    return (
        f"{name:12} {len(lengths):9} {statistics.median(lengths):6.0f} {lengths[int(0.9 * len(lengths))]:3} "
        f"{lengths[-1]:3} {sum(length > 40 for length in lengths):7} "
        f"{helpers:7} {100 * helpers / len(lengths):5.1f} %"
    )


def report(folders: Sequence[Path]) -> str:
    by_folder = {folder: [f for path in sources([folder]) for f in functions_of(path)] for folder in folders}
    every = [function for functions in by_folder.values() for function in functions]
    rows = [row(folder.name, functions) for folder, functions in by_folder.items() if functions]
    return "\n".join(
        ["folder       functions median p90 max over 40 helpers with one use", *rows, row("all", every)]
    )


if __name__ == "__main__":
    print(report([Path(name) for name in sys.argv[1:] or PACKAGES]))
