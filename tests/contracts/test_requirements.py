"""Each dependency has a reason, and is locked with hashes and without a registry."""

from __future__ import annotations

import re
import sys
from ast import Import, ImportFrom, parse, walk
from importlib.metadata import packages_distributions

import pytest
from django.conf import settings

from tests.contracts.code_figures import PACKAGES

ROOT = settings.BASE_DIR
NAME = re.compile(r"^[\w.-]+")
PIN = re.compile(r"^([\w.-]+)==(\S+)(?: ; [^\\]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.M)
LOCKS = ["requirements.txt", "requirements-dev.txt"]


def requirements(name: str) -> dict[str, str]:
    """Return {distribution: reason}."""
    lines = (ROOT / name).read_text().splitlines()
    return {
        canonical(NAME.match(line)[0]): line.partition("  # ")[2].strip()  # type: ignore[index]
        for line in lines
        if line and not line.startswith(("#", "-r "))
    }


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    return {canonical(name): version for name, version, _ in PIN.findall((ROOT / name).read_text())}


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_every_dependency_has_its_reason(name: str):
    assert len(requirements(name)) > 10
    assert [one for one, reason in requirements(name).items() if not reason] == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_is_a_version_with_hashes(name: str):
    text = re.sub(r"^ *#.*\n?", "", (ROOT / name).read_text(), flags=re.M).strip()
    assert PIN.sub("", text).strip() == ""
    assert len(locked(name)) > 100


@pytest.mark.parametrize("name", LOCKS)
def test_lock_contains_all_requirements(name: str):
    assert set(requirements(name.replace(".txt", ".in"))) <= set(locked(name))


def test_development_runs_the_versions_of_the_image():
    run, develop = (locked(name) for name in LOCKS)
    assert run.items() <= develop.items()


def test_image_has_no_development_requirements():
    needed_anyway = {"cryptography", "pyyaml"}  # also at run time
    assert set(requirements("requirements-dev.in")) & set(locked("requirements.txt")) <= needed_anyway


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_no_path(name: str):
    assert not re.search(
        r"https?:|file:|@ |--(index|extra|find|trusted)|^[./]", (ROOT / name).read_text(), re.M
    )


@pytest.mark.parametrize("name", LOCKS)
def test_torch_and_its_dependents_are_not_locked(name: str):
    """They take gigabytes; ONNX Runtime runs the models."""
    heavy = re.compile(r"torch|sentence-transformers|nvidia-.*|unstructured-inference")
    assert [one for one in locked(name) if heavy.fullmatch(one)] == []


def test_imported_packages_are_declared():
    """They must not depend on the requirements of other packages."""
    packages = set(PACKAGES)
    distributions = packages_distributions()
    declared = {*requirements("requirements.in"), *requirements("requirements-model.in")}
    undeclared = {
        module
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        for node in walk(parse(path.read_text()))
        for module in _imported(node)
        if module not in sys.stdlib_module_names | packages
        and not {canonical(one) for one in distributions.get(module, [])} & declared
    }
    assert undeclared == set()


def _imported(node: object) -> set[str]:
    if isinstance(node, Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ImportFrom) and node.module and not node.level:
        return {node.module.partition(".")[0]}
    return set()
