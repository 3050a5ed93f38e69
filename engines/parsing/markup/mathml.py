"""MathML as a formula in one line, as people type it: (a + b)/2, x², √(2), ∑_(i=1)^n."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_SUPERSCRIPTS = str.maketrans("0123456789+-\u2212=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_RAISED = re.compile(r"[-\u2212+]?[0-9]+|n")
_SPACED = frozenset("+-\u2212=<>≤≥≠≈≡±∓×·\u2217*→←↔⇒⇔∈∉⊂⊆\u222a∩∧\u2228\u223c≪≫∝:")
_UNSEEN = frozenset("\u2061\u2062\u2063\u2064\u200b")  # apply, times, comma, plus; they are only heard
_LEFT_OUT = frozenset(
    ("annotation", "annotation-xml", "mphantom", "maligngroup", "malignmark", "none", "mprescripts")
)
_SEPARATORS = {"mfenced": ", ", "mtable": "; ", "mtr": ", ", "mtd": ""}
_MAX_DEPTH = 60


def formula(node: Any) -> str:
    """Return the formula of a `math` node. Nodes may have a namespace."""
    return " ".join(_text(node, 0).split())


def _text(node: Any, depth: int) -> str:
    name = local_name(node) if isinstance(node.tag, str) and depth < _MAX_DEPTH else "none"
    if name in _LEFT_OUT:
        return ""
    parts = [_text(child, depth + 1) for child in (node[:1] if name == "semantics" else node)]
    stripped = [part.strip() for part in parts]
    if name in _TWO_DIMENSIONAL:
        return _TWO_DIMENSIONAL[name]([*stripped, "", "", ""])
    if name in _SEPARATORS:
        inner = _SEPARATORS[name].join(stripped)
        return f"{node.get('open', '(')}{inner}{node.get('close', ')')}" if name == "mfenced" else inner
    own = "".join(sign for sign in (node.text or "").strip() if sign not in _UNSEEN)
    inner = f" {own} " if name == "mo" and own in _SPACED else own + "".join(parts)
    return f"√{_grouped(inner.strip())}" if name == "msqrt" else inner or " " * (name == "mspace")


def local_name(node: Any) -> str:
    """Return a node's name without its namespace."""
    return str(node.tag).rpartition("}")[2].rpartition(":")[2]


def _grouped(part: str) -> str:
    return part if len(part) <= 1 or part.isalnum() else f"({part})"


def _power(base: str, exponent: str) -> str:
    if _RAISED.fullmatch(exponent):
        return f"{_grouped(base)}{exponent.translate(_SUPERSCRIPTS)}"
    return f"{_grouped(base)}^{_grouped(exponent)}" if exponent.strip("\u2032'*†") else f"{base}{exponent}"


def _index(base: str, index: str) -> str:
    return f"{base}_{_grouped(index)}" if index else base


_TWO_DIMENSIONAL: dict[str, Callable[[list[str]], str]] = {
    "mfrac": lambda parts: f"{_grouped(parts[0])}/{_grouped(parts[1])}",
    "msup": lambda parts: _power(parts[0], parts[1]),
    "msub": lambda parts: _index(parts[0], parts[1]),
    "msubsup": lambda parts: _power(_index(parts[0], parts[1]), parts[2]),
    "munder": lambda parts: _index(parts[0], parts[1]),
    "mover": lambda parts: parts[0] + parts[1],
    "munderover": lambda parts: f"{_index(parts[0], parts[1])}^{_grouped(parts[2])} ",
    "mroot": lambda parts: f"{parts[1].translate(_SUPERSCRIPTS)}√{_grouped(parts[0])}",
}
