"""One answer from several assistants: the best of theirs, or one that is merged of them with all their citations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from assistants.orchestration import BroadcastAnswer
from conversations.answering import Part, answer
from conversations.answering.events import Piece, Retrieved, Routed, Summarised
from conversations.answering.marks import find_marks, numbers_of
from conversations.answering.request import AnswerRequest, Profile
from conversations.answering.tracing import TraceRecorder
from conversations.answering.values import Answer, CheckedSentence, Passage, Support
from core.connections import give_back_connections
from core.errors import EngineError, OylError

# So many assistants answer at the same time; others wait for them.
AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The answer of one of the assistants, with the passages that it was given, and the summary that it has made."""

    profile: Profile
    retrieved: Retrieved
    summaries: tuple[Summarised, ...] = ()
    answer: Answer


def answer_of_all(
    requests: Sequence[AnswerRequest], how: BroadcastAnswer, why: str, trace: TraceRecorder
) -> Iterator[Routed | Part]:
    """Let the assistants answer at the same time, and yield what comes of it. One that fails is left out, unless all fail.
    The trace has them in their order. Raises OylError and EngineError."""
    traces = [trace.branch() for _ in requests]
    with ThreadPoolExecutor(AT_ONCE, "broadcast") as threads:
        outcomes = [*threads.map(_outcome, requests, traces)]
    trace.join(traces)
    voices = [one for one in outcomes if isinstance(one, Voice)]
    if not voices:
        raise next(one for one in reversed(outcomes) if isinstance(one, Exception))
    chosen = best(voices) if how is BroadcastAnswer.BEST else merged(voices)
    trace.record("choice", answer=how, assistant=chosen.profile.name)
    yield from (summary for voice in voices for summary in voice.summaries)
    profile = chosen.profile
    yield Routed(assistant_id=profile.assistant_id, name=profile.name, why=why)
    yield chosen.retrieved
    yield Piece(text=chosen.answer.text)
    yield chosen.answer


def _outcome(request: AnswerRequest, trace: TraceRecorder) -> Voice | OylError | EngineError:
    """In a thread of its own."""
    trace.record("assistant", assistant=request.profile.name)
    try:
        return _voice(request, trace)
    except (EngineError, OylError) as error:
        trace.record("failed", assistant=request.profile.name, code=error.code, reason=str(error))
        return error
    finally:
        give_back_connections()


def best(voices: Sequence[Voice]) -> Voice:
    """That which answers at all, of these the one whose sentences are best supported, and then the one whose first passage
    is most relevant; the first among equals."""
    return max(voices, key=_merit)


def merged(voices: Sequence[Voice]) -> Voice:
    """Those that answer, one after another, each below its assistant's name, with marks that are numbered through. It counts
    as the first one's."""
    answering = [voice for voice in voices if not voice.answer.is_refusal] or list(voices[:1])
    if len(answering) == 1:
        return answering[0]
    whole, passages, last = Answer(text="", citations=()), list[Passage](), 0
    for voice in answering:
        whole = _joined(whole, voice, last)
        passages += [replace(one, number=one.number + last) for one in voice.retrieved.passages]
        # What tools have found is cited, and not among the passages.
        numbers = {one.number for one in passages} | {one.number for one in whole.citations}
        numbers |= {one.number for one in whole.tables}
        last = max(numbers, default=last)
    return replace(answering[0], answer=whole, retrieved=Retrieved(passages=tuple(passages)))


def _voice(request: AnswerRequest, trace: TraceRecorder) -> Voice:
    parts = [*answer(request, trace)]
    *_, last = parts
    assert isinstance(last, Answer), "every answer ends"
    return Voice(
        profile=request.profile,
        retrieved=next(one for one in parts if isinstance(one, Retrieved)),
        summaries=tuple(one for one in parts if isinstance(one, Summarised)),
        answer=last,
    )


def _merit(voice: Voice) -> tuple[bool, float, float]:
    checked = [one for one in voice.answer.sentences if one.support is not Support.NOT_NEEDED]
    supported = sum(one.support is Support.SUPPORTED for one in checked)
    passages = voice.retrieved.passages
    relevance = passages[0].chunk.score if passages else 0.0
    return not voice.answer.is_refusal, supported / max(1, len(checked)), relevance


def _joined(before: Answer, voice: Voice, last: int) -> Answer:
    """The answer so far with another one below it, whose marks are raised by the last number so far."""
    own = voice.answer
    head = f"{before.text}\n\n**{voice.profile.name}**\n\n".lstrip()
    shift = len(head)
    moved = [
        replace(
            one,
            start=shift + len(_raised(own.text[: one.start], last)),
            end=shift + len(_raised(own.text[: one.end], last)),
            cited=tuple(number + last for number in one.cited),
        )
        for one in own.sentences
    ]
    sentences: tuple[CheckedSentence, ...] = (*before.sentences, *moved)
    return replace(
        own,
        text=head + _raised(own.text, last),
        citations=(*before.citations, *(replace(one, number=one.number + last) for one in own.citations)),
        tables=(*before.tables, *(replace(one, number=one.number + last) for one in own.tables)),
        sentences=sentences,
        is_cut_off=before.is_cut_off or own.is_cut_off,
        removed_marks=(*before.removed_marks, *own.removed_marks),
    )


def _raised(text: str, by: int) -> str:
    for mark in reversed(find_marks(text)):
        numbers = "".join(f"[{number + by}]" for number in numbers_of(mark))
        text = f"{text[: mark.start()]}{mark['space']}{numbers}{text[mark.end() :]}"
    return text
