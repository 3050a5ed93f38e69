"""The tables of docs/licences.md, and which licences are refused inside of OYL's own processes."""

from __future__ import annotations

import re

from tests.contracts.supply_chain.distributions import installed
from tests.contracts.supply_chain.native import components

# Licences that would oblige whoever passes OYL on, or runs it for others, to put OYL itself under them.
_STRONG = re.compile(r"(?<![\w-])(GPL|AGPL|SSPL|BUSL|RSAL|OSL|EUPL)-[\w.-]+(?! WITH GCC-exception)(?![\w.-])")
_WEAK = re.compile(r"LGPL|MPL")


def is_refused(licence: str) -> bool:
    """Whether each alternative of the expression has a refused licence."""
    return all(_STRONG.search(alternative) for alternative in licence.split(" OR "))


def distributions_table() -> str:
    rows = [f"| {one.name} | {one.version} | {one.licence} |" for one in installed()]
    return _table("Package | Version | Licence", rows)


def native_table() -> str:
    rows = [
        f"| {one.row.name} | {one.version} | {one.row.licence} | {name} |"
        f" {'separate program' if one.row.separate_program else 'library'} |"
        for name, native in components().items()
        for one in native
    ]
    return _table("Component | Version | Licence | In the package | Used as", sorted(rows, key=str.lower))


def copyleft_table() -> str:
    """What must be passed on together with its source or an offer of it."""
    packages = [(one.name, one.version, one.licence, "") for one in installed()]
    native = [
        (one.row.name, one.version, one.row.licence, name)
        for name, found in components().items()
        for one in found
    ]
    rows = [
        f"| {name} | {version} | {licence} | {inside or name} |"
        for name, version, licence, inside in [*packages, *native]
        if _WEAK.search(licence) or is_refused(licence)
    ]
    return _table("Component | Version | Licence | In the package", rows)


def _table(head: str, rows: list[str]) -> str:
    line = " | ".join("---" for _ in head.split(" | "))
    return "\n".join([f"| {head} |", f"| {line} |", *rows, ""])
