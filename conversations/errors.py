"""The errors of conversations."""

from __future__ import annotations

from core.errors import ConflictError, InvalidError, OylError


class AnswerUnderWayError(ConflictError):
    """The last answer of this conversation is still being written. Wait for its end, or stop it."""


class QuestionInvalidError(InvalidError):
    """The question cannot be asked."""


class NobodyAnswersError(ConflictError):
    """No assistant of this teammate can answer. Its findings say why."""


class AssistantSuspendedError(ConflictError):
    """This assistant is suspended, and answers no questions."""


class AnswerEndedError(Exception):
    """The answer is to end as stopped, or has been ended: it was stopped or swept, its conversation was deleted, or its
    asker has gone or may not read it any more."""


class AnswerFailedError(OylError):
    """The answer ended in error."""


# The codes of answers that OYL itself has ended, with the sentences that people read.
INTERRUPTED = "answer_interrupted"
INTERRUPTED_DETAIL = "The process that wrote this answer has ended. Let the answer be made again."
INTERNAL = "internal_error"
INTERNAL_DETAIL = (
    "Something in OYL failed while answering. Ask again; if it fails again, see the log of the web process."
)
