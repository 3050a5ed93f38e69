"""What is installed to run is known by name, version and licence, and no strong copyleft is loaded into OYL's processes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from core.process_start import OFFLINE_ENVIRONMENT
from tests.contracts.supply_chain import sbom
from tests.contracts.supply_chain.connections import REASONS
from tests.contracts.supply_chain.distributions import installed, locked
from tests.contracts.supply_chain.licences import is_refused
from tests.contracts.supply_chain.native import components, unknown_files
from tests.contracts.supply_chain.review import reviewed

# A library of a program of its own: psql loads it.
SEPARATE_PROGRAMS = {"readline (of psql)"}


def native():
    return [one for found in components().values() for one in found]


def test_what_is_installed_is_what_is_locked():
    assert [f"{one.name}=={one.version}" for one in installed()] == [
        str(one).partition(";")[0] for one in locked()
    ]


def test_every_package_is_searched_for_connections_anew_when_its_version_changes():
    versions = {name: one["version"] for name, one in reviewed().items()}
    assert versions == {one.name: one.version for one in installed()}, "run `make review`"


def test_every_switch_is_documented():
    page = (settings.BASE_DIR / "docs" / "offline.md").read_text()
    assert re.findall(r"^\| `([A-Z_]+)` \|", page, re.M) == [*OFFLINE_ENVIRONMENT]


def test_every_package_that_could_connect_has_its_reason():
    found = {name: ", ".join(one["signals"]) for name, one in reviewed().items() if one["signals"]}
    assert found == {name: one.signals for name, one in REASONS.items()}


def test_licence_of_every_package_is_known_and_allowed():
    assert [one.name for one in installed() if not one.licence] == []
    assert [one.name for one in installed() if is_refused(one.licence)] == []


def test_every_native_file_belongs_to_a_row():
    assert unknown_files() == []


def test_strong_copyleft_is_in_separate_programs_alone():
    refused = {one.row.name for one in native() if is_refused(one.row.licence)}
    assert refused == SEPARATE_PROGRAMS
    assert {one.row.name for one in native() if one.row.separate_program} >= SEPARATE_PROGRAMS


@pytest.mark.parametrize(
    ("licence", "refused"),
    [
        ("GPL-2.0-or-later", True),
        ("MIT AND GPL-2.0-only", True),
        ("AGPL-3.0-only", True),
        ("SSPL-1.0", True),
        ("BUSL-1.1", True),
        ("LGPL-3.0-only", False),
        ("MIT OR GPL-2.0-only", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", False),
    ],
)
def test_refused_licences(licence: str, refused: bool):
    assert is_refused(licence) is refused


def test_sbom_has_packages_with_their_native_libraries(tmp_path: Path):
    sbom.write(tmp_path / "oyl.json")
    packages = {one["name"]: one for one in json.loads((tmp_path / "oyl.json").read_text())["components"]}
    assert {name: one["version"] for name, one in packages.items()} == {
        one.name: one.version for one in installed()
    }
    assert all(one["purl"].startswith("pkg:pypi/") and one["licenses"] for one in packages.values())
    inside = {
        (part["name"], part["version"].partition(".")[0])
        for one in packages.values()
        for part in one.get("components", [])
    }
    known = {("Valkey", "9"), ("PostgreSQL 18", "18"), ("libheif", "1"), ("OpenSSL 3", "3")}
    assert known <= inside
