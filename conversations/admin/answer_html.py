"""The text of an answer as HTML. What a model writes is not trusted: there is no HTML of its own, no image, and no link but
to an address that stands in a cited source."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import escape, format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

MARK = re.compile(r"\[(\d{1,4})\]")
# They enclose the sentences with weak support. Markdown takes them as punctuation, as which they end no emphasis.
OPEN, CLOSE = "\u2e28", "\u2e29"
SPLIT = re.compile(f"([{OPEN}{CLOSE}])")
# Markdown would read them as such.
ENTITY = re.compile("&#(?=0*1181[67];|x0*2e2[89];)", re.IGNORECASE)
# A sentence may begin with the syntax of a list, a heading, a quotation or a table, which must stay at the beginning of its
# line.
BLOCK_SYNTAX = re.compile(r"(?:\s|\||[-*+>](?=\s)|#{1,6}(?=\s)|\d{1,9}[.)](?=\s))*")
BLOCK_ENDS = " \t\n|"
WEB = ("https://", "http://")
# Of a longer text, a model may have made what takes Markdown long to read, such as thousands of brackets.
MOST_MARKDOWN = 12_000


class _AnswerRenderer(RendererHTML):
    """`env` has the `anchor` of the answer's sources, the numbers that are `cited`, the texts of the `sources`, and the
    `reasons` of weak sentences in their order."""

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _with_marks(tokens[idx].content, env)

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<code>{_with_marks(tokens[idx].content, env)}</code>"

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<pre tabindex=0><code>{_with_marks(tokens[idx].content, env)}</code></pre>"

    code_block = fence

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<p class="oyl-answer-heading">'

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</p>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="oyl-table" tabindex=0><table>'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>"

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        address = str(tokens[idx].attrs.get("href", ""))
        is_known = address.startswith(WEB) and any(address in source for source in env["sources"])
        env["links"].append(is_known)
        return (
            format_html('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">', address)
            if is_known
            else ""
        )

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</a>" if env["links"].pop() else ""


_MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=_AnswerRenderer)
# A definition of references could make links of the marks.
_MARKDOWN.enable(["table", "strikethrough"]).disable(["image", "reference"])


def answer_html(
    text: str,
    *,
    anchor: str,
    cited: Collection[int],
    sources: Iterable[str],
    weak: Sequence[Mapping[str, Any]] = (),
) -> SafeString:
    """Markdown as HTML; a very long text is shown as it is. `weak` has the sentences that their sources do not support,
    with `start`, `end` and `reason`; marks
    link to `anchor` and the number."""
    reasons = [sentence["reason"] for sentence in weak]
    env = {
        "anchor": anchor,
        "cited": cited,
        "sources": [*sources],
        "reasons": reasons,
        "links": [],
        "weak": None,
    }
    text = _enclosed(text, weak)
    is_long = len(text) > MOST_MARKDOWN
    html = linebreaks(_with_marks(text, env)) if is_long else str(_MARKDOWN.render(text, env))
    return mark_safe(html)  # noqa: S308 (the renderer escapes all texts)


def quotation_html(text: str, *, anchor: str, cited: Collection[int]) -> SafeString:
    """Sentences of documents, word for word: what looks like Markdown in them is none."""
    html = linebreaks(
        _with_marks(_plain(text), {"anchor": anchor, "cited": cited, "reasons": [], "weak": None})
    )
    return mark_safe(f"<blockquote>{html}</blockquote>")  # noqa: S308 (all texts are escaped)


def _plain(text: str) -> str:
    """Of the same length."""
    return ENTITY.sub("&\uff03", text.replace(OPEN, "(").replace(CLOSE, ")"))


def _enclosed(text: str, weak: Sequence[Mapping[str, Any]]) -> str:
    parts, position, text = [], 0, _plain(text)
    for sentence in weak:
        start = max(sentence["start"], position)
        syntax = BLOCK_SYNTAX.match(text, start)
        begin = syntax.end() if syntax else start
        end = begin + len(text[begin : sentence["end"]].rstrip(BLOCK_ENDS))
        parts += [text[position:begin], OPEN, text[begin:end], CLOSE]
        position = end
    return "".join([*parts, text[position:]])


def _with_marks(content: str, env: Any) -> str:
    """The escaped text; each part inside of a weak sentence is marked by itself, as emphasis may divide the sentence."""
    html = ""
    for part in SPLIT.split(content):
        if part == OPEN:
            env["weak"] = env["reasons"].pop(0)
        elif part == CLOSE:
            env["weak"] = None
        elif part:
            inner = MARK.sub(lambda found: _link_of(found, env), str(escape(part)))
            html += _weak(inner, env["weak"]) if env["weak"] is not None else inner
    return html


def _weak(html: str, reason: str) -> str:
    title = f"Its sources may not support this. {reason}".strip()
    return f'<mark class="oyl-weak" title="{escape(title)}">{html}</mark>'


def _link_of(found: re.Match[str], env: Any) -> str:
    number = int(found[1])
    if number not in env["cited"]:
        return found[0]
    return format_html(
        '<a class="oyl-cite" href="#{}-{}" aria-label="Source {}">{}</a>',
        env["anchor"],
        number,
        number,
        number,
    )
