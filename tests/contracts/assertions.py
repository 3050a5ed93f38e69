"""The modules of the tests, and which of their functions assert something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from django.conf import settings

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ast.Module]:
    """Return {dotted name: syntax tree}."""
    paths = (settings.BASE_DIR / "tests").rglob("*.py")
    return {
        ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts): ast.parse(path.read_text())
        for path in paths
        if "node_modules" not in path.parts
    }


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each imported (module, name); the name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def functions(tree: ast.Module) -> dict[str, Function]:
    return {node.name: node for node in tree.body if isinstance(node, Function)}


@cache
def known_functions(module: str) -> dict[str, tuple[str, Function]]:
    """Return {name: (module, function)} of the tests' functions that the module defines or imports by name."""
    tree = modules()[module]
    known = {name: (module, function) for name, function in functions(tree).items()}
    for origin, name in imports(tree):
        if origin in modules() and name in functions(modules()[origin]):
            known[name] = origin, functions(modules()[origin])[name]
    return known


def asserts(module: str, function: Function) -> bool:
    """Return whether the function asserts something, by itself or in a function that it uses, at any depth."""
    waiting, seen = [(module, function)], set[Function]()
    while waiting:
        module, function = waiting.pop()
        if any(is_assertion(node) for node in ast.walk(function)):
            return True
        seen.add(function)
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        used = [known for name, known in known_functions(module).items() if name in names]
        waiting += [known for known in used if known[1] not in seen]
    return False


def is_assertion(node: ast.AST) -> bool:
    """`expect` is that of tests in a browser."""
    return (
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "pytest.raises")
        or (isinstance(node, ast.Name) and node.id == "expect")
    )
