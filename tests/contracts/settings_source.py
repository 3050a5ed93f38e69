"""The environment variables that oyl/settings.py reads, from its source."""

from __future__ import annotations

import ast

from django.conf import settings

SOURCE = settings.BASE_DIR / "oyl" / "settings.py"


def _calls() -> list[tuple[str, str]]:
    """Return (function, variable) of every `env.type("NAME", …)` and `_secret("NAME")`."""
    found = []
    for node in ast.walk(ast.parse(SOURCE.read_text())):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = ast.unparse(node.func)
            if function == "_secret" or function.startswith("env."):
                found.append((function, str(node.args[0].value)))
    return found


def variables() -> set[str]:
    return {name for _, name in _calls()}


def required_on_servers() -> set[str]:
    """Return the keys, and the addresses that replace the embedded services."""
    keys = {name for function, name in _calls() if function == "_secret"}
    return keys | {"DATABASE_URL", "REDIS_URL", "QDRANT_URL", "ALLOWED_HOSTS"}


def defaults() -> dict[str, str]:
    """Return {variable: default} of the defaults that are constants."""
    found = {}
    for node in ast.walk(ast.parse(SOURCE.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env."):
            given = {keyword.arg: keyword.value for keyword in node.keywords}.get("default")
            if isinstance(given, ast.Constant) and given.value != "":
                found[ast.literal_eval(node.args[0])] = str(given.value)
    return found
