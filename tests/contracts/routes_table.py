"""The tables of routes in the docs."""

from __future__ import annotations

import re
from typing import Any


def api() -> str:
    from oyl.routes import ROUTES, router

    all_urls, methods = list[Any](router.urls), ("GET", "POST", "PATCH", "DELETE")
    lines = [_row("Name", "Area of the scope", *methods), _row(*["---"] * 6)]
    for name, view in ROUTES.items():
        urls = [url for url in all_urls if url.name in (f"{name}-list", f"{name}-detail")]
        known = {method.upper() for url in urls for method in url.callback.actions}
        roles = [str(view.roles[method]) if method in known else "" for method in methods]
        lines.append(_row(f"`{name}`", f"`{view.area}`" if view.area else "none", *roles))
    return "".join(lines)


def openai() -> str:
    from core.permissions import scope
    from oyl.routes import OPENAI_URLS

    methods = ("GET", "POST", "DELETE")
    lines = [_row("Address", *methods), _row(*["---"] * 4)]
    for url in OPENAI_URLS:
        view = url.callback.cls
        needed = [
            f"{view.roles[method]}, `{scope(view.area, writes=method != 'GET' and not view.only_reads)}`"
            if method.lower() in url.callback.actions
            else ""
            for method in methods
        ]
        lines.append(_row(f"`{_shown(str(url.pattern))}`", *needed))
    return "".join(lines)


def _shown(pattern: str) -> str:
    return re.sub(r"<\w+:(\w+)>", r"{\1}", pattern).replace("{pk}", "{id}")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
