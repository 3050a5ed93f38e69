"""Names of collections that a caller may try."""

from __future__ import annotations

FORGED_COLLECTIONS = [
    "",
    ".",
    "..",
    "../vectors",
    "a/b",
    "a\x00b",
    "a\nb",
    "*",
    "$(x)",
    "%2e%2e",
    "tenants/x",
    "x" * 200,
]
