"""A chat model that carries out every order that it finds in what it is sent, also in code or among invisible characters,
and what a program that shows its answer would fetch or offer."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import lxml.html
from lxml import etree
from markdown_it import MarkdownIt

from tests.support.chat_server import Body, ChatHandler, calls, says

ORDER = re.compile(r"\(\(do: (call|say) (.*?)\)\)(?!\))", re.DOTALL)
CODED = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
REMOTE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|[/\\]\s*[/\\])", re.IGNORECASE)
ADDRESSES = ("src", "href", "action", "formaction", "srcset", "data", "poster", "background")
TAGS = re.compile(r"<\w[^>]*?(?:src|href|action|srcset|data)\s*=\s*[\"']?\s*([^\s\"'>]+)", re.IGNORECASE)


def obey(handler: ChatHandler) -> None:
    """Call the tools of the orders, offered or not, in the first round, and say what they say."""
    orders = list(orders_in(handler.body))
    wanted = [order for kind, order in orders if kind == "call"]
    is_first = handler.body["messages"][-1]["role"] != "tool"
    if wanted and is_first:
        calls(*map(_as_call, wanted))(handler)
        return
    said = " ".join(["They dance [1].", *(text for kind, text in orders if kind == "say")])
    prompt = quote(handler.body["messages"][0]["content"][:200], safe="")
    says(said.replace("PROMPT", prompt), pieces=_pieces(said.replace("PROMPT", prompt)))(handler)


def orders_in(body: Body) -> Iterator[tuple[str, str]]:
    text = "\n".join(str(message.get("content") or "") for message in body["messages"])
    for reading in _readings(text):
        yield from ORDER.findall(reading)


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and as somebody reads it who looks for what is hidden."""
    yield text
    yield codecs.encode(text, "rot13")
    yield "".join(chr(ord(one) - 0xE0000) for one in text if 0xE0000 <= ord(one) < 0xE007F)
    for coded in CODED.findall(text):
        try:
            yield base64.b64decode(coded + "==").decode("utf-8", "replace")
        except binascii.Error:
            continue


def _as_call(order: str) -> tuple[str, Any]:
    name, _, arguments = order.partition(" ")
    try:
        return name, json.loads(arguments or "{}")
    except ValueError:
        return name, arguments


def _pieces(text: str) -> list[str]:
    """Of three characters, so that no address comes in one piece."""
    return [text[start : start + 3] for start in range(0, len(text), 3)]


def fetched_by(text: str) -> list[str]:
    """The remote addresses that a program fetches which shows the text as Markdown with HTML."""
    inner = _tokens(text)
    images = [str(token.attrs["src"]) for token in inner if token.type == "image"]
    html = "".join(token.content for token in inner if token.type.startswith("html"))
    return [address for address in (*images, *TAGS.findall(html)) if REMOTE.match(address)]


def offered_by(text: str) -> list[str]:
    """The addresses of the links that it offers."""
    links = [str(token.attrs["href"]) for token in _tokens(text) if token.type == "link_open"]
    return [address for address in links if REMOTE.match(address)]


def _tokens(text: str) -> list[Any]:
    blocks = MarkdownIt("commonmark", {"html": True}).parse(text)
    return [*blocks, *(token for block in blocks for token in block.children or ())]


def reached_by(page: str) -> list[str]:
    """The remote addresses of a page that a browser fetches, or that a person can follow, and handlers of events."""
    found: list[str] = []
    for element in lxml.html.fromstring(page).iter(etree.Element):
        for name, value in element.attrib.items():
            if name.startswith("on") or (name in ADDRESSES and REMOTE.match(str(value))):
                found.append(str(value))
    return found
