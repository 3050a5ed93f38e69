"""What is said when the documents do not have the answer: the assistant's own sentence, or one in the language of the
question."""

from __future__ import annotations

from conversations.answering.request import AnswerRequest
from engines.languages import language_of

ENGLISH = "The documents do not answer this question."
REFUSALS = {
    "de": "Die Dokumente beantworten diese Frage nicht.",
    "es": "Los documentos no responden a esta pregunta.",
    "fr": "Les documents ne répondent pas à cette question.",
    "it": "I documenti non rispondono a questa domanda.",
    "nl": "De documenten beantwoorden deze vraag niet.",
    "pl": "Dokumenty nie odpowiadają na to pytanie.",
    "pt": "Os documentos não respondem a esta pergunta.",
}


def refusal_of(request: AnswerRequest) -> str:
    own = request.profile.settings.refusal
    return own or REFUSALS.get(language_of(request.question) or "", ENGLISH)
