"""What shapes on a slide inherit from its layout, and that from its master: their places, and the styles of their lists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from engines.parsing.office.office_package import Package, child, children, descendants

TITLES = ("title", "ctrTitle")
_KINDS_OF_MASTER = {"ctrTitle": "title", "subTitle": "body", "obj": "body", "": "body"}
_NO_STYLE = ("dt", "ftr", "sldNum", "hdr")


class Layout:
    """The layout of a slide."""

    def __init__(self, package: Package, slide: str) -> None:
        layout = next(package.targets(slide, "slideLayout"), "")
        self._layout = package.tree(layout)
        self._master = package.tree(next(package.targets(layout, "slideMaster"), ""))

    def ancestors(self, mark: Any) -> list[Any]:
        """Return the shapes that the placeholder with this mark stands for, the nearest first."""
        kind, number = mark.get("type") or "", mark.get("idx")
        on_layout = list(descendants(self._layout, "sp"))
        found = next((shape for shape in on_layout if number and _mark(shape).get("idx") == number), None)
        if found is None:
            found = next((shape for shape in on_layout if _is_of_kind(shape, kind)), None)
        if found is not None:
            kind = _mark(found).get("type") or kind
        on_master = _KINDS_OF_MASTER.get(kind, kind)
        base = next(
            (shape for shape in descendants(self._master, "sp") if _is_of_kind(shape, on_master)), None
        )
        return [shape for shape in (found, base) if shape is not None]

    def shown_trees(self, slide: Any) -> Iterator[Any]:
        """Yield the shapes of the layout and of the master that are shown on the slide."""
        roots = (slide, self._layout, self._master)
        for under, root in pairwise(roots):
            if under.get("showMasterSp") in ("0", "false"):
                return
            yield from (tree for content in children(root, "cSld") for tree in children(content, "spTree"))

    def list_styles(self, mark: Any) -> list[Any]:
        kind = mark.get("type") or ""
        styles = [child(shape, "txBody", "lstStyle") for shape in self.ancestors(mark)]
        name = "titleStyle" if kind in TITLES else "otherStyle" if kind in _NO_STYLE else "bodyStyle"
        return [*styles, child(self._master, "txStyles", name)]


def _mark(shape: Any) -> Any:
    """Return the mark of a placeholder; that of another shape has no attributes."""
    return next((mark for part in children(shape, "nvSpPr") for mark in descendants(part, "ph")), {})


def _is_of_kind(shape: Any, kind: str) -> bool:
    mark = _mark(shape)
    return len(mark) == 0 and hasattr(mark, "tag") and (mark.get("type") or "") == kind
