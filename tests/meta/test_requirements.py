"""Each dependency is there for a reason, is locked, and installs from anywhere."""

from __future__ import annotations

import re

from django.conf import settings

WANTED = (settings.BASE_DIR / "requirements.in").read_text().splitlines()
LOCKED = (settings.BASE_DIR / "requirements.txt").read_text()
NAME = re.compile(r"^[\w.-]+")


def wanted() -> dict[str, str]:
    """{distribution: its reason}"""
    lines = [line for line in WANTED if line and not line.startswith("#")]
    return {NAME.match(line)[0]: line.partition("  # ")[2].strip() for line in lines}  # type: ignore[index]


def test_every_dependency_has_its_reason():
    assert len(wanted()) > 30
    assert [name for name, reason in wanted().items() if not reason] == []


def test_every_dependency_is_locked_to_one_version():
    pinned = re.findall(r"^([\w.-]+)(.*)$", LOCKED, re.M)
    assert all(re.fullmatch(r"==[\w.!+]+( ; .+)?", version) for _, version in pinned)
    canonical = {re.sub(r"[-_.]+", "-", name).lower() for name, _ in pinned}
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in wanted()} <= canonical


def test_the_lock_names_no_registry_and_no_path():
    assert not re.search(r"https?:|file:|@ |--(index|extra|find|trusted)|^[./]", LOCKED, re.M)


def test_nothing_that_brings_torch_is_locked():
    """Gigabytes, for what ONNX Runtime does here."""
    assert not re.search(r"^(torch|sentence-transformers|nvidia-.*|unstructured-inference)==", LOCKED, re.M)
