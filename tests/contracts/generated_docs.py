"""Parts of the docs that are generated from the code by `make docs`; a test fails when one is out of date.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.error_origins import Origin
from tests.contracts import (
    connector_docs,
    er_diagram,
    error_codes,
    formats_table,
    routes_table,
    workflow_docs,
)
from tests.contracts.supply_chain import connections, licences

DOCS = Path(__file__).parents[2] / "docs"
PART = re.compile(r"(?<=<!-- generated: )(?P<name>[a-z-]+) -->\n(?P<text>.*?)(?=<!-- end -->)", re.DOTALL)
GENERATORS: dict[str, Callable[[], str]] = {
    "routes": routes_table.api,
    "openai-routes": routes_table.openai,
    "er-diagram": er_diagram.render,
    "formats": formats_table.formats,
    "warnings": formats_table.warnings,
    "expression-functions": workflow_docs.functions,
    "step-types": workflow_docs.types,
    "connector-kinds": connector_docs.connector_kinds,
    "integration-types": connector_docs.integration_types,
    "connections": connections.table,
    "licences-packages": licences.distributions_table,
    "licences-native": licences.native_table,
    "licences-copyleft": licences.copyleft_table,
    **{f"error-codes-{origin}": partial(error_codes.table, origin) for origin in Origin},
}


def generated(text: str) -> str:
    """Return the page with up-to-date generated parts."""
    return PART.sub(lambda part: f"{part['name']} -->\n{GENERATORS[part['name']]()}", text)


def pages() -> list[Path]:
    return [page for page in sorted(DOCS.rglob("*.md")) if PART.search(page.read_text())]


if __name__ == "__main__":
    import tests.environment  # noqa: F401

    for page in pages():
        page.write_text(generated(page.read_text()))
