"""Writing the answer by a model, which may use tools for some rounds."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from conversations.answering.events import Piece, ToolUsed
from conversations.answering.links import KnownLinks
from conversations.answering.prompt import Prompt, answer_sampling
from conversations.answering.request import AnswerRequest
from conversations.answering.tools import Toolbox
from conversations.answering.tracing import TraceRecorder, passage_facts
from conversations.answering.values import Passage, TableCitation
from conversations.limits import ANSWER_LENGTH
from engines.chat import ChatError, ChatModel, ChatReply, ChatRequest, FinishReason, Message, Role, TokenUsage

# Further calls of one round are refused.
MAX_CALLS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """`passages` are those that the model has read, of the prompt and of tools, and `tables` the rows of its queries.
    `is_cut_off` if its tokens were used up."""

    text: str
    passages: tuple[Passage, ...]
    tables: tuple[TableCitation, ...] = ()
    model: str
    is_cut_off: bool = False


def generate(
    request: AnswerRequest, model: ChatModel, prompt: Prompt, trace: TraceRecorder
) -> Iterator[Piece | ToolUsed | Generated]:
    """Yield the pieces as they arrive, and the whole at last. After the last round, the model has no tools. Raises
    ChatError."""
    toolbox, messages = Toolbox(request, prompt.passages), list(prompt.messages)
    links = KnownLinks((*asked_texts(request), *_texts(prompt.passages)))
    trace.record("prompt", **_prompt_facts(prompt))
    if not (prompt.passages or _may_answer_without(request)):
        yield Piece(text=request.refusal)
        yield Generated(text=request.refusal, passages=(), model=model.model)
        return
    sampling = answer_sampling(request.sampling, model)
    for rounds in range(request.profile.settings.tool_rounds, -1, -1):
        tools = tuple(toolbox.tools) if rounds else ()
        chat = ChatRequest(messages=tuple(messages), tools=tools, sampling=sampling)
        reply = yield from _streamed(request, model, chat, links)
        trace.record("generation", **_facts(chat, reply))
        if not (tools and reply.tool_calls):
            break
        yield from _use_tools(reply, toolbox, messages, trace)
        links.allow(_texts(toolbox.passages))
    if not links.text.strip():
        is_filtered = reply.finish_reason is FinishReason.FILTERED
        raise ChatError("chat_filtered" if is_filtered else "chat_empty", host=reply.model)
    yield Generated(
        text=links.text[:ANSWER_LENGTH],
        passages=tuple(toolbox.passages),
        tables=tuple(toolbox.tables),
        model=reply.model,
        is_cut_off=reply.finish_reason is FinishReason.LENGTH,
    )


def asked_texts(request: AnswerRequest) -> tuple[str, ...]:
    """The texts besides the passages whose addresses the answer may have."""
    turns = [turn.text for turn in request.history]
    return request.question, request.instructions, request.profile.instruction, *turns


def _texts(passages: Iterable[Passage]) -> list[str]:
    return [passage.chunk.text for passage in passages]


def _streamed(
    request: AnswerRequest, model: ChatModel, chat: ChatRequest, links: KnownLinks
) -> Generator[Piece, None, ChatReply]:
    """Yield the pieces; return the reply, or what there was of it when it became too long."""
    usage = TokenUsage(prompt_tokens=0, completion_tokens=0, is_estimated=True)
    reply = ChatReply(text="", model=model.model, usage=usage, finish_reason=FinishReason.LENGTH)
    length = 0
    try:
        with closing(model.stream(request.tenant_id, chat)) as stream:
            for part in stream:
                if isinstance(part, ChatReply):
                    reply = part
                    break
                length += len(part)
                if text := links.add(part):
                    yield Piece(text=text)
                if length > ANSWER_LENGTH:
                    break
    except ChatError:
        yield Piece(text=links.end())
        raise
    if text := links.end():
        yield Piece(text=text)
    return reply


def _use_tools(
    reply: ChatReply, toolbox: Toolbox, messages: list[Message], trace: TraceRecorder
) -> Iterator[ToolUsed]:
    calls = reply.tool_calls[:MAX_CALLS]
    messages.append(Message(role=Role.ASSISTANT, text=reply.text, tool_calls=calls))
    for call in calls:
        arguments, result = toolbox.call(call)
        yield ToolUsed(name=call.name, arguments=arguments, result_summary=result.summary)
        messages.append(Message(role=Role.TOOL, text=result.text, tool_call_id=call.id))
        passages = [passage_facts(one) for one in result.passages]
        facts = {"passages": passages, **({"table": result.table} if result.table else {})}
        trace.record("tool", name=call.name, arguments=arguments, summary=result.summary, **facts)


def _may_answer_without(request: AnswerRequest) -> bool:
    """Whether the model can answer although no passage was found: from the conversation, by a further search, or because
    the assistant has no documents."""
    has_tools = bool(request.profile.settings.tools)
    return bool(request.history) or has_tools or not request.profile.references


def _prompt_facts(prompt: Prompt) -> dict[str, object]:
    """The passages themselves are those of the selection."""
    return {
        "version": prompt.version,
        "tokens": prompt.tokens,
        "summary": prompt.summary,
        "dropped_turns": prompt.dropped_turns,
        "passages": [passage.number for passage in prompt.passages],
        "system": prompt.messages[0].text,
    }


def _facts(chat: ChatRequest, reply: ChatReply) -> dict[str, object]:
    return {
        "model": reply.model,
        "sampling": chat.sampling,
        "usage": reply.usage,
        "finish_reason": reply.finish_reason,
        "tool_calls": reply.tool_calls,
        "tools": [tool.name for tool in chat.tools],
    }
