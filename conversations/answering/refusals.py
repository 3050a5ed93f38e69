"""What an assistant says when the documents do not have the answer, in the question's language where it is among these."""

from __future__ import annotations

from engines.languages import language_of

ENGLISH = "en"
REFUSALS = {
    ENGLISH: "The documents do not contain an answer to this question.",
    "ar": "لا تحتوي الوثائق على إجابة لهذا السؤال.",
    "de": "Die Dokumente enthalten keine Antwort auf diese Frage.",
    "es": "Los documentos no contienen una respuesta a esta pregunta.",
    "fr": "Les documents ne contiennent pas de réponse à cette question.",
    "hi": "दस्तावेज़ों में इस प्रश्न का उत्तर नहीं है।",
    "it": "I documenti non contengono una risposta a questa domanda.",
    "ja": "文書にはこの質問への回答がありません。",
    "pt": "Os documentos não contêm uma resposta a esta pergunta.",
    "th": "เอกสารไม่มีคำตอบสำหรับคำถามนี้",
    "vi": "Các tài liệu không có câu trả lời cho câu hỏi này.",
    "zh": "文档中没有这个问题的答案。",
}


def refusal(question: str) -> str:
    """In the question's language, or else in English."""
    return REFUSALS.get(language_of(question) or ENGLISH, REFUSALS[ENGLISH])


def is_refusal(text: str) -> bool:
    return text.strip() in REFUSALS.values()
