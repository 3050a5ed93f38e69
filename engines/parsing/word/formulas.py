"""Word's formulas as LaTeX."""

from __future__ import annotations

import unicodedata
from typing import Any

from lxml import etree

from engines.parsing.word.xml import M, W


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_COMMANDS = _pairs(
    "× times ÷ div ± pm ∓ mp · cdot ⋅ cdot ∗ ast ∘ circ ≤ leq ≥ geq ≠ neq ≈ approx ≡ equiv ∼ sim ∝ propto "  # noqa: RUF001
    "∞ infty ∂ partial ∇ nabla ∀ forall ∃ exists ∈ in ∉ notin ⊂ subset ⊆ subseteq ∪ cup ∩ cap ∧ wedge ∨ vee "  # noqa: RUF001
    "¬ neg → to ← leftarrow ⇒ Rightarrow ⇔ Leftrightarrow ↦ mapsto … ldots ⋯ cdots ∅ emptyset ℏ hbar √ surd "
    "∑ sum ∏ prod ∐ coprod ∫ int ∬ iint ∭ iiint ∮ oint ∯ oiint ∰ oiiint ⋃ bigcup ⋂ bigcap ⋁ bigvee ⋀ bigwedge"  # noqa: RUF001
)
_ACCENTS = _pairs(
    "\u0300 grave \u0301 acute \u0302 hat \u0303 tilde \u0304 bar \u0305 overline \u0306 breve \u0307 dot "
    "\u0308 ddot \u030c check \u20d7 vec \u20d6 overleftarrow \u0332 underline"
)
_GROUPS = {"\u23df": "underbrace", "\u23de": "overbrace"}
_FUNCTIONS = {
    *("arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det", "dim", "exp"),
    *("gcd", "hom", "inf", "ker", "lg", "lim", "liminf", "limsup", "ln", "log", "max", "min", "Pr", "sec"),
    *("sin", "sinh", "sup", "tan", "tanh"),
}
_BRACKETS = {"{": "\\{", "}": "\\}", "⟨": "\\langle", "⟩": "\\rangle", "‖": "\\|", "": "."}
_PROPERTIES = {f"{M}{name}Pr" for name in ("r", "f", "d", "m", "rad", "acc", "bar", "nary", "func", "ctrl")}


def written(formula: Any) -> str:
    """Return the formula as it stands if it is a plain line, or else as LaTeX."""
    is_line = all(node.tag in _LINE for node in formula.iter() if isinstance(node.tag, str))
    text = _letters(formula) if is_line else _parts(formula)
    return " ".join(text.split())


_LINE = {
    f"{M}{name}" for name in ("oMath", "r", "t", "rPr", "sty", "scr", "nor", "lit", "aln", "brk", "ctrlPr")
} | {f"{W}{name}" for name in ("rPr", "rFonts", "i", "b", "sz", "szCs", "lang", "color", "iCs", "bCs", "ins")}


def _letters(node: Any) -> str:
    """The letters of runs; those that are only another shape of a letter are that letter."""
    text = "".join(part.text or "" for part in node.iter(f"{M}t", f"{W}t"))
    return "".join(unicodedata.normalize("NFKC", c) if "\U0001d400" <= c <= "\U0001d7ff" else c for c in text)


def _parts(node: Any) -> str:
    """The LaTeX of all that is in a node."""
    if node is None:
        return ""
    return "".join(_one(part) for part in node if isinstance(part.tag, str) and part.tag not in _PROPERTIES)


def _one(node: Any) -> str:
    name = etree.QName(node).localname
    if name == "r":
        return "".join(map(_sign, _letters(node)))
    return _WRITERS.get(name, _parts)(node)


def _sign(letter: str) -> str:
    if letter in _COMMANDS:
        return f"\\{_COMMANDS[letter]} "
    kind, _, name = unicodedata.name(letter, "").rpartition(" LETTER ")
    if kind in ("GREEK SMALL", "GREEK CAPITAL") and " " not in name and name != "OMICRON":
        name = {"LAMDA": "lambda"}.get(name, name.lower())
        return f"\\{name if kind == 'GREEK SMALL' else name.capitalize()} "
    return "\\" + letter if letter in "#%&_$" else letter


def _child(node: Any, name: str) -> str:
    return _parts(node.find(f"{M}{name}"))


def _property(node: Any, name: str, otherwise: str) -> str:
    """Return a property of a node of the formula: "" if it is there without a value."""
    found = node.find(f"{M}{etree.QName(node).localname}Pr/{M}{name}")
    return otherwise if found is None else found.get(f"{M}val", "")


def _fraction(node: Any) -> str:
    upper, lower, kind = _child(node, "num"), _child(node, "den"), _property(node, "type", "bar")
    if kind in ("lin", "skw"):
        return f"{upper}/{lower}"
    return f"\\binom{{{upper}}}{{{lower}}}" if kind == "noBar" else f"\\frac{{{upper}}}{{{lower}}}"


def _script(node: Any) -> str:
    below, above = _child(node, "sub"), _child(node, "sup")
    scripts = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    base = _child(node, "e")
    return f"{{}}{scripts}{base}" if etree.QName(node).localname == "sPre" else f"{base}{scripts}"


def _root(node: Any) -> str:
    degree = _child(node, "deg")
    optional = f"[{degree}]" if degree else ""
    return f"\\sqrt{optional}{{{_child(node, 'e')}}}"


def _sum(node: Any) -> str:
    sign, below, above = _property(node, "chr", "∫"), _child(node, "sub"), _child(node, "sup")
    limits = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    return f"{_sign(sign).strip()}{limits} {_child(node, 'e')}"


def _brackets(node: Any) -> str:
    left, right = _property(node, "begChr", "("), _property(node, "endChr", ")")
    inner = _property(node, "sepChr", "|").join(_parts(part) for part in node.findall(f"{M}e"))
    return f"\\left{_BRACKETS.get(left, left)}{inner}\\right{_BRACKETS.get(right, right)}"


def _function(node: Any) -> str:
    name = _child(node, "fName").strip()
    base = name.partition("_")[0].partition("^")[0]
    command = "\\" if base in _FUNCTIONS else ""
    return f"{command}{name} {_child(node, 'e')}"


def _lower_limit(node: Any) -> str:
    return f"{_child(node, 'e').strip()}_{{{_child(node, 'lim')}}}"


def _upper_limit(node: Any) -> str:
    return f"{_child(node, 'e').strip()}^{{{_child(node, 'lim')}}}"


def _matrix(node: Any) -> str:
    rows = (" & ".join(map(_parts, row.findall(f"{M}e"))) for row in node.findall(f"{M}mr"))
    lines = " \\\\ ".join(rows)
    return f"\\begin{{matrix}}{lines}\\end{{matrix}}"


def _lines(node: Any) -> str:
    lines = " \\\\ ".join(map(_parts, node.findall(f"{M}e")))
    return f"\\begin{{aligned}}{lines}\\end{{aligned}}"


def _bar(node: Any) -> str:
    command = "overline" if _property(node, "pos", "bot") == "top" else "underline"
    return f"\\{command}{{{_child(node, 'e')}}}"


def _accent(node: Any) -> str:
    sign = _property(node, "chr", "\u0302")
    return f"\\{_ACCENTS.get(sign, 'hat')}{{{_child(node, 'e')}}}"


def _group(node: Any) -> str:
    sign = _property(node, "chr", "\u23df")
    return f"\\{_GROUPS[sign]}{{{_child(node, 'e')}}}" if sign in _GROUPS else _child(node, "e")


_WRITERS = {
    "f": _fraction,
    **dict.fromkeys(("sSup", "sSub", "sSubSup", "sPre"), _script),
    "rad": _root,
    "nary": _sum,
    "d": _brackets,
    "func": _function,
    "limLow": _lower_limit,
    "limUpp": _upper_limit,
    "m": _matrix,
    "eqArr": _lines,
    "bar": _bar,
    "acc": _accent,
    "groupChr": _group,
}
