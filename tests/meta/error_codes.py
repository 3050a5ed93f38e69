"""The codes that a document may be in error with: `python -m tests.meta.error_codes` prints the parser's for the docs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from django.conf import settings

from engines.parsing.codes import CODES
from knowledge.errors import JOB_ERRORS

RAISERS = {"EmbeddingError": 0, "VectorStoreError": 0, "_refusal": 0}
BUILDERS = {"invalid": "invalid_"}


def render() -> str:
    """The parser's codes and sentences; what they fill in is shown as `…`."""
    rows = ["| Code | What it says | Tried again |", "| --- | --- | --- |"]
    for code, problem in CODES.items():
        sentence = re.sub(r"\{\w+\}", "…", problem.sentence)
        rows.append(f"| `{code}` | {sentence} | {'yes' if problem.retryable else 'no'} |")
    return "\n".join(rows)


def codes() -> set[str]:
    """All of them: two tables, and the words in the source."""
    return {*CODES, *JOB_ERRORS, *_in_source()}


def _in_source() -> Iterator[str]:
    folders = (settings.BASE_DIR / "knowledge", settings.BASE_DIR / "engines")
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield from _of_call(node)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
                yield from _constants(node.value)


def _of_call(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func).rpartition(".")[2]
    if name in RAISERS and call.args:
        yield from _constants(call.args[0])
    elif name in BUILDERS and call.args:
        yield from (BUILDERS[name] + word for word in _constants(call.args[0]))
    elif name == "Unreadable":
        yield from (
            word for keyword in call.keywords if keyword.arg == "code" for word in _constants(keyword.value)
        )


def _constants(expression: ast.expr) -> Iterator[str]:
    """A word, or both of `"this" if … else "that"`."""
    if isinstance(expression, ast.IfExp):
        yield from _constants(expression.body)
        yield from _constants(expression.orelse)
    elif isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value


if __name__ == "__main__":
    print(render())
