"""What is wrong with an expression, found before it is evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from workflows.expressions.functions import FUNCTIONS, MACROS, NAMESPACES, TYPES
from workflows.expressions.limits import MAX_LENGTH, MAX_NESTED
from workflows.expressions.process import syntax_error
from workflows.expressions.tokens import Kind, Token, place, tokens

ROOTS = ("input", "item", "now", "run", "steps")
STEP_FIELDS, RUN_FIELDS = ("output",), ("id", "number", "started_at")
_WORDS = frozenset({"true", "false", "null", "in"})
# A position, and a sentence about what is there.
Finding = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Known:
    """The keys of the workflow's steps, and the names of its inputs; None if any name may be there."""

    steps: frozenset[str] | None = None
    inputs: frozenset[str] | None = None


ANYTHING = Known()


def check(source: str, known: Known = ANYTHING) -> list[str]:
    """A sentence with line and column for each problem; none for an expression that can be evaluated."""
    return [f"{place(source, position)}: {why}" for position, why in findings(source, known)]


def findings(source: str, known: Known) -> list[Finding]:
    """As `check`, with positions in the expression."""
    if len(source) > MAX_LENGTH:
        return [
            (
                0,
                f"An expression has at most {MAX_LENGTH:,} characters; this one has {len(source):,}. Shorten it.",
            )
        ]
    if error := syntax_error(source):
        return [error]
    return list(_Reader(source, known).problems())


class _Reader:
    """Reads the tokens of an expression that CEL's parser accepts. `_open` has an entry for each bracket that is open: the
    name that its macro binds, or "" for any other."""

    def __init__(self, source: str, known: Known) -> None:
        self._tokens, self._known = list(tokens(source)), known
        self._open: list[str] = []

    def problems(self) -> Iterator[Finding]:
        for at, token in enumerate(self._tokens):
            if token.text in "([{":
                yield from self._enter(at)
            elif token.text in ")]}":
                self._open.pop()
            elif token.kind is Kind.NAME and token.text not in _WORDS:
                yield from ((token.start, why) for why in self._about_name(at))

    def _enter(self, at: int) -> Iterator[Finding]:
        is_macro = self._text(at) == "(" and self._text(at - 1) in MACROS and self._text(at - 2) == "."
        bound = self._text(at + 1) if is_macro else ""
        self._open.append(bound)
        if is_macro and (bound in ROOTS or bound.startswith("__")):
            yield self._tokens[at + 1].start, f"'{bound}' has a meaning already. Give the item another name."
        if is_macro and sum(map(bool, self._open)) > MAX_NESTED:
            yield (
                self._tokens[at - 1].start,
                f"Comprehensions such as '{self._text(at - 1)}' are nested at most {MAX_NESTED} deep. Divide the "
                "expression among two steps.",
            )

    def _about_name(self, at: int) -> Iterator[str]:
        name, is_member = self._text(at), self._text(at - 1) == "."
        if self._text(at + 1) == "(":
            yield from self._about_function(at)
        elif not is_member and not self._is_namespace(at) and name not in self._open:
            yield from _unknown("name", name, ROOTS, self._others(name))
            yield from self._about_member(at) if name in ("steps", "input", "run") else ()

    def _about_function(self, at: int) -> Iterator[str]:
        name, owner = self._text(at), self._text(at - 2)
        is_namespaced = self._text(at - 1) == "." and owner in NAMESPACES and self._is_namespace(at - 2)
        full = f"{owner}.{name}" if is_namespaced else name
        yield from _unknown("function", full, (), FUNCTIONS)

    def _about_member(self, at: int) -> Iterator[str]:
        key = self._text(at + 2) if self._text(at + 1) == "." else ""
        if self._text(at) == "run":
            yield from _unknown("field of the run", key, RUN_FIELDS, (*RUN_FIELDS, ""))
        elif self._text(at) == "input":
            if key and self._known.inputs is not None:
                yield from _unknown("input", key, self._known.inputs, self._known.inputs)
        elif not key or self._text(at + 3) != "." or self._text(at + 4) not in STEP_FIELDS:
            yield "Name the output of one step, as in 'steps.KEY.output'."
        elif self._known.steps is not None:
            yield from _unknown("step", key, self._known.steps, self._known.steps)

    def _others(self, name: str) -> Collection[str]:
        """What else may stand for itself: names that macros bind, and types that are compared."""
        return {*filter(None, self._open), *ROOTS, *(TYPES if name in TYPES else ())}

    def _is_namespace(self, at: int) -> bool:
        has_call = self._text(at + 1) == "." and self._text(at + 3) == "("
        return self._text(at) in NAMESPACES and has_call and self._text(at - 1) != "."

    def _text(self, at: int) -> str:
        return self._tokens[at].text if 0 <= at < len(self._tokens) else ""


def _unknown(kind: str, name: str, shown: Collection[str], known: Collection[str]) -> Iterator[str]:
    if name in known:
        return
    meant = get_close_matches(name, known, n=1)
    if meant:
        yield f"There is no {kind} '{name}'. Do you mean '{meant[0]}'?"
    elif shown:
        yield f"There is no {kind} '{name}'. There are: {', '.join(sorted(shown))}."
    else:
        yield f"There is no {kind} '{name}'. docs/workflows.md lists what there is."


def step_keys(source: str) -> set[str]:
    """The keys of the steps that the expression refers to."""
    found: list[Token] = list(tokens(source))
    return {
        key.text
        for before, name, dot, key in zip(
            ["", *(one.text for one in found)], found, found[1:], found[2:], strict=False
        )
        if before != "." and name.text == "steps" and dot.text == "."
    }
