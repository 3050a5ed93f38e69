"""One call of every service of `conversations`, as in `calls`. Answers are begun, and not made."""

from __future__ import annotations

from assistants.instructions import Source
from assistants.models import Assistant
from conversations.access import owner_of
from conversations.models import Conversation, Feedback, Message, MessageRole, MessageState
from conversations.services import asking, assistants, cases, comparing, conversations, feedback, following
from knowledge.models import EvaluationCase
from tests.proof.tampering.call_context import Call, CallContext


def ask(context: CallContext) -> Call:
    assistant = _assistant(context)
    return Call(
        make=lambda: asking.ask(actor=context.actor, assistant=assistant.pk, question=context.name),
        is_done=context.has(Message, text=context.name),
    )


def edit(context: CallContext) -> Call:
    answer = _answer(context)
    return Call(
        make=lambda: asking.edit(actor=context.actor, message=answer.pk, question=f"Edited {context.name}"),
        is_done=context.has(Message, text=f"Edited {context.name}"),
    )


def regenerate(context: CallContext) -> Call:
    answer = _answer(context)
    return Call(
        make=lambda: asking.regenerate(actor=context.actor, message=answer.pk),
        is_done=context.has(Message, parent=answer.parent_id, state=MessageState.GENERATING),
    )


def stop(context: CallContext) -> Call:
    answer = _answer(context)
    asking.regenerate(actor=context.actor, message=answer.pk)
    under_way = context.add(lambda: Message.objects.get(parent=answer.parent_id, state="generating"))
    return Call(
        make=lambda: asking.stop(actor=context.actor, message=under_way.pk),
        is_done=context.has(Message, pk=under_way.pk, state=MessageState.STOPPED),
    )


def follow(context: CallContext) -> Call:
    answer = _answer(context)
    return Call(make=lambda: following.follow(actor=context.actor, message=answer.pk, position=0), events=0)


def change_conversation(context: CallContext) -> Call:
    pk = _answer(context).conversation_id
    return Call(
        make=lambda: conversations.change_conversation(
            actor=context.actor, conversation=pk, title=f"Changed {context.name}"
        ),
        is_done=context.has(Conversation, title=f"Changed {context.name}"),
    )


def delete_conversation(context: CallContext) -> Call:
    pk = _answer(context).conversation_id
    return Call(
        make=lambda: conversations.delete_conversation(actor=context.actor, conversation=pk),
        is_done=context.lacks(Conversation, pk=pk),
    )


def export_conversation(context: CallContext) -> Call:
    pk = _answer(context).conversation_id
    return Call(make=lambda: conversations.export_conversation(actor=context.actor, conversation=pk))


def give_feedback(context: CallContext) -> Call:
    answer = _answer(context)
    return Call(
        make=lambda: feedback.give_feedback(actor=context.actor, message=answer.pk, rating="up"),
        is_done=context.has(Feedback, message=answer),
    )


def delete_feedback(context: CallContext) -> Call:
    answer = _answer(context)
    row = context.add(
        lambda: Feedback.objects.create(message=answer, rating="up", owner=owner_of(context.actor))
    )
    return Call(
        make=lambda: feedback.delete_feedback(actor=context.actor, feedback=row.pk),
        is_done=context.lacks(Feedback, pk=row.pk),
    )


def save_as_case(context: CallContext) -> Call:
    """The set and the case have an event each."""
    answer = _answer(context)
    return Call(
        make=lambda: cases.save_as_case(actor=context.actor, message=answer.pk),
        is_done=context.has(EvaluationCase, source_message=answer.pk),
        events=2,
    )


def compare_instructions(context: CallContext) -> Call:
    """The assistant has nothing to search."""
    assistant = _assistant(context)
    return Call(
        make=lambda: comparing.compare_instructions(
            actor=context.actor, assistant=assistant.pk, source=Source.INSTRUCTION, questions=["Why?"]
        ),
        events=0,
    )


def prepare_assistant(context: CallContext) -> Call:
    """The assistant and its knowledge base have an event each."""
    return Call(
        make=lambda: assistants.prepare_assistant(
            actor=context.actor, workspace=context.workspace.name, name=context.name
        ),
        is_done=context.has(Assistant, name=context.name),
        events=2,
    )


def _assistant(context: CallContext) -> Assistant:
    made: Assistant = context.add(
        lambda: Assistant.objects.create(workspace=context.workspace, name=context.name)
    )
    return made


def _answer(context: CallContext) -> Message:
    """In a conversation of the actor's."""

    def add() -> Message:
        conversation = Conversation.objects.create(
            workspace=context.workspace,
            assistant=Assistant.objects.create(workspace=context.workspace, name=context.name),
            owner=owner_of(context.actor),
            title=context.name,
        )
        question = Message.objects.create(conversation=conversation, role=MessageRole.USER, text=context.name)
        answer: Message = Message.objects.create(
            conversation=conversation, parent=question, role=MessageRole.ASSISTANT, text="Text"
        )
        return answer

    made: Message = context.add(add)
    return made
