"""The tables of routes in docs/: `python -m tests.api.routes_table` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
PLACE = re.compile(r"(?<=<!-- routes -->\n).*?(?=<!-- end -->)", re.DOTALL)


def api() -> str:
    from oyl.api import ROUTES, router

    all_urls, methods = list[Any](router.urls), ("GET", "POST", "PATCH", "DELETE")
    lines = [_row("Name", "Area of the scope", *methods), _row(*["---"] * 6)]
    for name, view in ROUTES.items():
        urls = [url for url in all_urls if url.name in (f"{name}-list", f"{name}-detail")]
        known = {method.upper() for url in urls for method in url.callback.actions}
        roles = [str(view.roles[method]) if method in known else "" for method in methods]
        lines.append(_row(f"`{name}`", f"`{view.area}`", *roles))
    return "".join(lines)


def openai() -> str:
    from oyl.openai import urlpatterns
    from tenants.permissions import scope

    methods = ("GET", "POST", "DELETE")
    lines = [_row("Address", *methods), _row(*["---"] * 4)]
    for url in urlpatterns:
        view = url.callback.cls
        needed = [
            f"{view.roles[method]}, `{scope(view.area, writes=method != 'GET' and not view.only_reads)}`"
            if method.lower() in url.callback.actions
            else ""
            for method in methods
        ]
        lines.append(_row(f"`{_shown(str(url.pattern))}`", *needed))
    return "".join(lines)


TABLES = {DOCS / "api.md": api, DOCS / "openai.md": openai}


def _shown(pattern: str) -> str:
    return re.sub(r"<\w+:(\w+)>", r"{\1}", pattern).replace("{pk}", "{id}")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    import tests.environment  # noqa: F401

    for page, render in TABLES.items():
        page.write_text(PLACE.sub(render(), page.read_text()))
