"""The question as it can be searched for: a follow-up, such as "and in winter?", gets what it refers to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conversations.answering.request import AnswerRequest
from conversations.answering.values import Turn
from engines.chat import ChatError, ChatModel, ChatRequest, Message, Role, Sampling
from engines.vectors.bm25 import count_words

PROMPT = """\
Rewrite the last question of the conversation so that it can be understood without it. Keep its language and its meaning, \
add nothing, and do not answer it. If it can be understood already, repeat it. Reply with the question alone."""
SAMPLING = Sampling(temperature=0.0, max_tokens=200)
# So many of the last turns, and characters of each, are enough to find what a question refers to.
TURNS, TURN_LENGTH = 6, 1000
# A question with fewer words of its own, without those of grammar, takes over the words of the one before.
OWN_WORDS = 2.5
# What refers to something that was said before.
_REFERRING = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|him|her|his|there|"
    r"er|sie|ihn|ihm|ihr|dies\w*|jene\w*|dessen|deren|dort|davon|dazu|damit|"
    r"il|elle|ils|elles|celui|celle|ceux|cela|ça|lui|leur|"
    r"eso|esto|esa|ese|ella|ellos|ellas|allí)\b",
    re.IGNORECASE,
)


def rewrite(request: AnswerRequest) -> str:
    """Return the question itself where there is nothing before it, or where the model does not help."""
    if not request.history:
        return request.question
    if request.model is None:
        return _with_words_before(request.question, request.history)
    try:
        return _by_model(request, request.model) or request.question
    except ChatError:
        return _with_words_before(request.question, request.history)


def _by_model(request: AnswerRequest, model: ChatModel) -> str:
    lines = [f"{turn.role}: {turn.text[:TURN_LENGTH]}" for turn in request.history[-TURNS:]]
    text = "\n".join([*lines, f"{Role.USER}: {request.question}"])
    messages = (Message(role=Role.SYSTEM, text=PROMPT), Message(role=Role.USER, text=text))
    reply = model.complete(request.tenant_id, ChatRequest(messages=messages, sampling=SAMPLING))
    first, *_ = [*filter(None, map(str.strip, reply.text.splitlines())), ""]
    return first.removeprefix(f"{Role.USER}:").strip()[:TURN_LENGTH]


def _with_words_before(question: str, history: Sequence[Turn]) -> str:
    if count_words(question) >= OWN_WORDS and not _REFERRING.search(question):
        return question
    before = [turn.text for turn in history if turn.role is Role.USER]
    return f"{before[-1][:TURN_LENGTH]} {question}" if before else question
