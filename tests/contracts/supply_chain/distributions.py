"""The distributions that requirements.txt installs on this machine, with their licences as SPDX expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.license import LicenseExpression
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENT = re.compile(r"^[\w.-]+==\S+(?: ; [^\\\n]+)?", re.M)
# Where the metadata name no licence, several, or one that is not in SPDX's list.
STATED = {
    "chardetng-py": "MIT",
    "flatbuffers": "Apache-2.0",
    "hyperframe": "MIT",
    "langdetect": "Apache-2.0 AND MIT",
    "pi-heif-decoder": "BSD-3-Clause",  # its metadata add the LGPL of the libraries in the wheel
    "protobuf": "BSD-3-Clause",
    "pyclipper": "MIT AND BSL-1.0",
    "pypdfium2": "BSD-3-Clause OR Apache-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "uritemplate": "BSD-3-Clause OR Apache-2.0",
    "uvloop": "MIT OR Apache-2.0",
    "valkey": "MIT",
}
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    name: str
    version: str
    licence: str
    distribution: Distribution


def locked() -> list[Requirement]:
    """The requirements of the lock that apply on this machine."""
    lines = REQUIREMENT.findall((settings.BASE_DIR / "requirements.txt").read_text())
    requirements = [Requirement(line.strip()) for line in lines]
    return [one for one in requirements if one.marker is None or one.marker.evaluate()]


@cache
def installed() -> tuple[Installed, ...]:
    """In the order of the lock, which is by name."""
    found = {canonicalize_name(one.name): one for one in distributions()}
    return tuple(_describe(found[canonicalize_name(one.name)]) for one in locked())


def _describe(found: Distribution) -> Installed:
    name = canonicalize_name(found.name)
    return Installed(name=name, version=found.version, licence=_licence(name, found), distribution=found)


def _licence(name: str, found: Distribution) -> str:
    """The SPDX expression, or "" if the metadata do not tell it."""
    if name in STATED:
        return STATED[name]
    metadata = found.metadata
    fields = [metadata.get_all(field) or [""] for field in ("License-Expression", "License")]
    stated: str = fields[0][0] or fields[1][0]
    if _is_spdx(stated):
        return stated
    classifiers = [one.rpartition(" :: ")[2] for one in metadata.get_all("Classifier") or []]
    return " AND ".join(sorted({CLASSIFIERS[one] for one in classifiers if one in CLASSIFIERS}))


def _is_spdx(text: str) -> bool:
    licence = LicenseFactory().make_from_string(text) if text else None
    return isinstance(licence, LicenseExpression) or bool(licence and licence.id)
