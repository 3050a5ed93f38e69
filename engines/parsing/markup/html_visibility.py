"""What of an HTML page a browser does not show, as far as attributes, inline styles and its plain rules say."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree
from PIL import ImageColor

# Browsers show black text on white where a page says nothing.
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_NEAR = 12
_COLOUR_ATTRIBUTES = {"body": "text"}
_FAR = re.compile(r"-(?:[5-9]\d\d|\d{4,})")
_EMPTY_CLIP = re.compile(r"rect\((?:0(?:px)?|1px)?(?:[, ]+(?:0(?:px)?|1px)){3}\)|inset\((?:[5-9]\d|100)%")
_STYLED = "//*[@style or @hidden or @bgcolor or self::font]"
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_CSS_RULE = re.compile(r"([^{};]+)\{([^{}]*)\}")
_CSS_FOR_MEDIA = re.compile(r"@[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_PLAIN_SELECTOR = re.compile(r"[\w-]*([.#][\w-]+)")
Colour = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class _Look:
    """How text looks in a node. The colours are None where they are not known."""

    is_gone: bool = False
    is_visible: bool = True
    has_size: bool = True
    text: Colour = _BLACK
    ground: Colour = _WHITE

    @property
    def is_seen(self) -> bool:
        is_same = self.text and self.ground and _difference(self.text, self.ground) <= _NEAR
        return not self.is_gone and self.is_visible and self.has_size and not is_same


def remove_unseen(root: Any) -> int:
    """Empty the texts that a reader would not see, and return of how many nodes: hidden, without size, transparent, off the
    page, or in the colour of what is behind them. Colours are judged only in pages without style sheets, which could set
    what is behind."""
    has_sheets = root.find(".//style") is not None or root.find(".//link") is not None
    hidden = _hidden_by_sheets(root)
    if not hidden and not root.xpath(_STYLED):
        return 0
    looks = [_Look(ground=None if has_sheets else _WHITE)]
    count = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            looks.append(_look_of(node, looks[-1], hidden))
            if not looks[-1].is_seen:
                count += looks[-2].is_seen and any(text.strip() for text in node.itertext())
                node.text = ""
                node.attrib.pop("alt", None)
        else:
            looks.pop()
            if not looks[-1].is_seen:
                node.tail = ""
    return count


def _hidden_by_sheets(root: Any) -> frozenset[str]:
    """Return the classes (".name") and ids ("#name") that a rule hides, unless that would hide most of the page: then
    programs show it."""
    sheets = "".join(
        node.text or "" for node in root.iter("style") if node.get("media", "all") in ("all", "screen")
    )
    hidden: set[str] = set()
    for selectors, declarations in _CSS_RULE.findall(_CSS_FOR_MEDIA.sub("", _CSS_COMMENT.sub("", sheets))):
        style = _declarations(declarations)
        if style.get("display") == "none" or style.get("visibility") == "hidden":
            plain = (_PLAIN_SELECTOR.fullmatch(selector.strip()) for selector in selectors.split(","))
            hidden.update(match[1] for match in plain if match)
    body = root.find("body")
    if not hidden or body is None:
        return frozenset()
    length = sum(len(text) for node in body.iter() if hidden & _marks(node) for text in node.itertext())
    return frozenset(hidden if length * 2 < sum(map(len, body.itertext())) else ())


def _marks(node: Any) -> set[str]:
    names = {f".{name}" for name in node.get("class", "").split()}
    return names | {f"#{node.get('id')}"} if "id" in node.attrib else names


def _look_of(node: Any, around: _Look, hidden: frozenset[str]) -> _Look:
    if not node.attrib:
        return around
    style = _declarations(node.get("style", ""))
    ground = style.get("background-color") or style.get("background") or node.get("bgcolor")
    text = style.get("color") or node.get(_COLOUR_ATTRIBUTES.get(node.tag, "color"))
    size = style.get("font-size")
    visibility = style.get("visibility")
    is_hidden = "hidden" in node.attrib or _is_gone(style) or (hidden and not hidden.isdisjoint(_marks(node)))
    return replace(
        around,
        is_gone=around.is_gone or bool(is_hidden),
        is_visible=visibility not in ("hidden", "collapse") if visibility else around.is_visible,
        has_size=_has_size(size, around) if size else around.has_size,
        text=_colour(text, around.text, around) if text else None if node.tag == "a" else around.text,
        ground=_colour(ground, around.ground, around) if ground else around.ground,
    )


def _declarations(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.lower().replace("!important", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _is_gone(style: dict[str, str]) -> bool:
    """Whether nothing inside can be seen either."""
    is_moved = style.get("position") in ("absolute", "fixed")
    places = [style.get("text-indent", "")]
    if is_moved:
        places += [style.get(side, "") for side in ("left", "top", "right", "bottom")]
    is_cut = style.get("overflow") == "hidden" and any(
        _number(style.get(side)) == 0 for side in ("width", "height", "max-width", "max-height")
    )
    return (
        style.get("display") == "none"
        or style.get("mso-hide") == "all"
        or _number(style.get("opacity")) == 0
        or any(_FAR.match(place) for place in places)
        or is_cut
        or (is_moved and bool(_EMPTY_CLIP.match(style.get("clip", "") or style.get("clip-path", ""))))
    )


def _number(value: str | None) -> float | None:
    number = re.match(r"\d*\.?\d+", value or "")
    return float(number[0]) if number else None


def _has_size(size: str, around: _Look) -> bool:
    """Sizes of less than 2 pixels cannot be read. Relative ones are of the size around."""
    number = _number(size)
    if number is None:
        return around.has_size if size in ("inherit", "smaller", "larger") else True
    if number == 0 or (number < 2 and size.endswith(("px", "pt"))):
        return False
    return around.has_size if size.endswith(("em", "%")) and not size.endswith("rem") else True


def _colour(value: str, inherited: Colour, around: _Look) -> Colour:
    """None for a colour that is not known, such as that of an image."""
    if value == "inherit":
        return inherited
    if value == "transparent":
        return around.ground
    try:
        return ImageColor.getrgb(value)[:3]
    except ValueError:
        return None


def _difference(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
