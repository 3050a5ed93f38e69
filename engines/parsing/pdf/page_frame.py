"""The visible part of a page, and positions in it as a reader sees it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

Box = tuple[float, float, float, float]  # left, top, right, bottom, growing downwards


class PageFrame(NamedTuple):
    """`left`, `bottom`, `right` and `top` are the visible box in the file's own coordinates, before the page is turned
    clockwise by `rotation` degrees."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int

    @classmethod
    def of(cls, page: Any) -> PageFrame:
        box = pdfium_c.FS_RECTF()
        if not pdfium_c.FPDF_GetPageBoundingBox(page, box):
            left, bottom, right, top = page.get_cropbox()
            return cls(left, bottom, right, top, page.get_rotation())
        return cls(box.left, box.bottom, box.right, box.top, page.get_rotation())

    @property
    def is_turned(self) -> bool:
        return self.rotation in (90, 270)

    @property
    def width(self) -> float:
        return self.top - self.bottom if self.is_turned else self.right - self.left

    @property
    def height(self) -> float:
        return self.right - self.left if self.is_turned else self.top - self.bottom

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the file is on the page: from the left, and from the top."""
        match self.rotation:
            case 90:
                return y - self.bottom, x - self.left
            case 180:
                return self.right - x, y - self.bottom
            case 270:
                return self.top - y, self.right - x
        return x - self.left, self.top - y

    def place_box(self, left: float, bottom: float, right: float, top: float) -> Box:
        (x1, y1), (x2, y2) = self.place(left, bottom), self.place(right, top)
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)

    def shows(self, box: Box) -> bool:
        """Return whether the middle of the box is on the page."""
        return 0 <= box[0] + box[2] <= 2 * self.width and 0 <= box[1] + box[3] <= 2 * self.height

    def shows_all(self, left: float, right: float) -> bool:
        """Return whether nothing between these places is beside the page."""
        return left >= 0 and right <= self.width
