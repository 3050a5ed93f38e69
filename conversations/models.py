"""Conversations: trees of messages, with the traces of their answers and what people think of these.

The state of an answer:

    generating ──> done
        ├───────> stopped   by the person, or because nobody read it any more
        └───────> error     with a code; `answer_interrupted` if its writer died

Only the writer whose token the row has writes the text, and only while the state is `generating`: whoever ends the answer
first decides how it ended.
"""

from __future__ import annotations

from django.db import models
from django.db.models import ExpressionWrapper, Q

from assistants.models import Assistant, Teammate
from conversations.limits import ANSWER_LENGTH, COMMENT_LENGTH, SUMMARY_LENGTH
from core.bounded_fields import BoundedTextField
from core.isolation.fields import NamedIndex, TenantForeignKey, TenantOneToOneField
from core.models import TenantModel, one_of
from core.name_fields import NameField
from workspaces.models import Workspace

OWNER_LENGTH = 64


class Conversation(TenantModel):
    """With one assistant, or with a teammate. It is the `owner`'s: a person's id, the prefix of an API key that a key
    has made, or a command's name. If it `is_shared`, all members of the tenant can read it."""

    workspace = TenantForeignKey(Workspace, related_name="conversations")
    assistant = TenantForeignKey(Assistant, null=True, blank=True, related_name="conversations")
    teammate = TenantForeignKey(Teammate, null=True, blank=True, related_name="conversations")
    owner = models.CharField(max_length=OWNER_LENGTH)
    title = NameField(max_length=255)
    is_shared = models.BooleanField("shared", default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "conversations"
        constraints = [
            models.CheckConstraint(
                condition=Q(assistant=None) ^ Q(teammate=None), name="conversations_one_partner"
            ),
        ]
        indexes = [
            NamedIndex(fields=["tenant", "owner", "-updated_at"], name="idx_conversations_owner_updated"),
            NamedIndex(fields=["tenant", "updated_at"], name="idx_conversations_updated"),
        ]

    def __str__(self) -> str:
        return self.title


class MessageRole(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class MessageState(models.TextChoices):
    GENERATING = "generating"
    DONE = "done"
    STOPPED = "stopped"
    ERROR = "error"


class Message(TenantModel):
    """A question, or an answer, whose `parent` is the question. Questions with the same parent, and answers to the same
    question, are branches. `sentences_json` says how well the sources support each sentence. `read_at` is when somebody last
    followed the answer, other than by the request that asked. `summary` is that of the conversation up to this message. An
    answer `is_unsure` if its sources support one of its sentences weakly."""

    conversation = TenantForeignKey(Conversation, related_name="messages")
    parent = TenantForeignKey("self", also=("conversation_id",), null=True, related_name="children")
    role = models.CharField(max_length=16, choices=MessageRole.choices)
    text = BoundedTextField(max_length=ANSWER_LENGTH, blank=True)
    summary = BoundedTextField(max_length=SUMMARY_LENGTH, blank=True)
    state = models.CharField(max_length=16, choices=MessageState.choices, default=MessageState.DONE)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    writer = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    assistant = TenantForeignKey(Assistant, "SET NULL", null=True, related_name="messages")
    why = models.TextField(blank=True)
    is_refusal = models.BooleanField(default=False)
    citations_json = models.JSONField("citations", default=list)
    tables_json = models.JSONField("rows of tables", default=list)
    sentences_json = models.JSONField("sentences", default=list)
    model = models.CharField(max_length=255, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    price = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    currency = models.CharField(max_length=3, blank=True)
    seconds = models.FloatField(null=True)
    has_sources = models.GeneratedField(
        expression=ExpressionWrapper(
            ~Q(citations_json=[]) | ~Q(tables_json=[]), output_field=models.BooleanField()
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    is_unsure = models.GeneratedField(
        expression=ExpressionWrapper(
            Q(sentences_json__contains=[{"support": "weak"}]), output_field=models.BooleanField()
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "messages"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "conversation", "id"], name="messages_conversation_id_key"
            ),
            one_of("messages", "role", MessageRole),
            one_of("messages", "state", MessageState),
            models.CheckConstraint(
                condition=Q(role=MessageRole.ASSISTANT) | Q(state=MessageState.DONE),
                name="messages_questions_done",
            ),
            models.CheckConstraint(
                condition=Q(state=MessageState.ERROR) ^ Q(error_code=""), name="messages_error_has_code"
            ),
            models.CheckConstraint(
                condition=~Q(state=MessageState.GENERATING)
                | Q(writer__isnull=False, heartbeat_at__isnull=False),
                name="messages_generating_has_writer",
            ),
        ]
        indexes = [
            NamedIndex(
                fields=["tenant", "heartbeat_at"],
                condition=Q(state=MessageState.GENERATING),
                name="idx_messages_generating",
            ),
            NamedIndex(
                fields=["tenant", "-created_at"],
                condition=Q(role=MessageRole.ASSISTANT),
                name="idx_messages_answers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:80]}"


class Trace(TenantModel):
    """How an answer was made: what each stage returned, and how long it took (docs/answers.md)."""

    message = TenantOneToOneField(Message, related_name="trace")
    stages_json = models.JSONField("stages")

    class Meta(TenantModel.Meta):
        db_table = "traces"

    def __str__(self) -> str:
        return f"Trace of {self.message_id}"


class Rating(models.TextChoices):
    UP = "up"
    DOWN = "down"


class Reason(models.TextChoices):
    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    UNSUPPORTED = "unsupported"
    WRONG_SOURCE = "wrong_source"
    OUTDATED = "outdated"
    STYLE = "style"
    OTHER = "other"


class Feedback(TenantModel):
    """What somebody thinks of an answer, or of its citation of the number `citation`. `owner` is as of a conversation."""

    message = TenantForeignKey(Message, related_name="feedback")
    citation = models.PositiveIntegerField(null=True, blank=True)
    rating = models.CharField(max_length=8, choices=Rating.choices)
    reason = models.CharField(max_length=16, choices=Reason.choices, blank=True)
    comment = BoundedTextField(max_length=COMMENT_LENGTH, blank=True)
    owner = models.CharField(max_length=OWNER_LENGTH)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "feedback"
        verbose_name_plural = "feedback"
        constraints = [
            models.UniqueConstraint(
                fields=["message", "citation", "owner"], name="feedback_owner_key", nulls_distinct=False
            ),
            one_of("feedback", "rating", Rating),
            models.CheckConstraint(
                condition=Q(reason__in=["", *Reason.values]), name="feedback_reason_valid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} for {self.message_id}"


class Retention(TenantModel):
    """After so many days without a change, the tenant's conversations are deleted; without a row, never."""

    days = models.PositiveIntegerField(help_text="1 to 3,650.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "conversation_retention"
        verbose_name = verbose_name_plural = "retention of conversations"
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="conversation_retention_tenant_only_key"),
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=3650),
                name="conversation_retention_days_valid",
                violation_error_message="Give 1 to 3,650 days.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.days} days"
