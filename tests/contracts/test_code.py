"""The code: the direction and the cost of imports, the length of files and functions, and what tests assert."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from tests.contracts.assertions import asserts, imports, modules

ROOT: Path = settings.BASE_DIR
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
HEAVY = {
    "cv2",
    "eldc",
    "magika",
    "onnx",
    "onnxruntime",
    "pypdfium2",
    "qdrant_client",
    "qdrant_edge",
    "rapidocr",
    "spacy",
    "tokenizers",
    "unstructured",
}
LIGHT = [
    "knowledge.services",
    "knowledge.tasks",
    "knowledge.search.service",
    "audit.tasks",
    "oyl.celery",
    "oyl.asgi",
]


ENTRY_POINTS = ("admin", "api", "home", "management", "openai", "tasks")
# The audit log's own, and the base by which the views of all apps record.
RECORDING = {"audit.admin", "audit.api"}


def contract(name: str) -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    assert all("ignore_imports" not in one for one in contracts)
    return next(dict(one) for one in contracts if one["id"] == name)


def own_packages() -> list[str]:
    return [app.name for app in apps.get_app_configs() if Path(app.path).parent == ROOT]


def sources() -> list[Path]:
    folders = [*own_packages(), "engines", "tests", "benchmarks", "deploy"]
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if not {"migrations", ".venv"} & set(path.parts)]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield node.name, node.end_lineno - node.lineno + 1


def test_imports_point_one_way():
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    linted = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


def test_every_app_has_its_layer_without_exception():
    given = contract("direction")
    assert set(given["layers"]) - {"engines"} == set(own_packages())


def test_no_entry_point_of_an_app_may_record():
    found = {
        f"{app}.{name}"
        for app in own_packages()
        for name in ENTRY_POINTS
        if app != "core" and find_spec(f"{app}.{name}")
    }
    assert set(contract("entry-points-do-not-record")["source_modules"]) == found - RECORDING


@pytest.mark.usefixtures("database")
def test_entry_points_and_services_load_no_heavy_library():
    """A worker, a command or a test that does not parse must not load a parser."""
    code = (
        "import django, sys; from importlib import import_module; django.setup()\n"
        f"for name in {LIGHT!r}:\n"
        "    import_module(name)\n"
        f"    print(name, sorted({HEAVY!r} & {{module.partition('.')[0] for module in sys.modules}}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.splitlines() == [f"{name} []" for name in LIGHT]


def test_workers_load_neither_the_console_nor_the_api():
    """They would take half as much memory again, and start in twice the time."""
    code = (
        "import sys; from oyl.celery import app; app.loader.import_default_modules()\n"
        "print(sorted({'core.admin', 'oyl.openapi', 'oyl.urls', 'knowledge.tasks'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert loaded.stdout.splitlines() == ["['knowledge.tasks']"], loaded.stderr


def test_heavy_libraries_are_installed():
    """A misspelt name above would never be loaded."""
    code = f"import importlib.util as u; print(*(n for n in {HEAVY!r} if u.find_spec(n) is None))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def test_files_are_short():
    lengths = {path: len(path.read_text().splitlines()) for path in sources()}
    assert len(lengths) > 50
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short():
    """Tests may be longer where they list what they expect."""
    long = {
        f"{path.relative_to(ROOT)}:{name}": length
        for path in sources()
        if path.relative_to(ROOT).parts[0] != "tests"
        for name, length in functions(path)
        if length > LONGEST_FUNCTION
    }
    assert long == {}


def test_helpers_are_not_imported_from_test_modules():
    found = {
        (module, origin)
        for module, tree in modules().items()
        for origin, name in imports(tree)
        if any(part.startswith("test_") for part in f"{origin}.{name}".split("."))
    }
    assert found == set()


def test_every_test_asserts_something():
    tests = [
        (module, node)
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(tests) > 500
    assert [f"{module}.{test.name}" for module, test in tests if not asserts(module, test)] == []


def test_no_test_is_skipped():
    """A conftest leaves a file out that needs what is not installed."""
    skips = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")
    found = [path.name for path in (ROOT / "tests").rglob("*.py") if skips.search(path.read_text())]
    assert found == []
