"""What is said to people who have asked an assistant, and who neither see nor correct how it is set up."""

from __future__ import annotations

from core.error_codes import ERROR_CODES
from core.error_origins import Origin

AGAIN = "Ask again in a minute; if it fails again, tell an administrator."
SET_UP = "Asking again does not help: an administrator must correct how the assistant is set up."
FOR_ASKERS: dict[str, str] = {
    "chat_no_quota": f"The account of the assistant's model is used up. {SET_UP}",
    "chat_context_too_long": "The question and the conversation are longer than the assistant's model can read. Ask in a "
    "new conversation.",
    "chat_filtered": "The content filter of the assistant's model refused the question or the answer. Ask in other words.",
    "chat_rate_limited": "The assistant's model is asked too often at the moment. Ask again in a minute.",
    "chat_unavailable": f"The assistant's model does not answer now. {AGAIN}",
    "chat_paused": f"The assistant's model has failed several times in a row, and has a pause. {AGAIN}",
    "chat_no_first_piece": f"The assistant's model did not begin to answer in time. {AGAIN}",
    "chat_stalled": f"The assistant's model stopped in the middle of its answer. {AGAIN}",
    "chat_too_slow": "The answer was not complete in time. Ask for a shorter one.",
    "chat_empty": "The assistant's model said nothing. Ask again, or in other words.",
    "chat_interrupted": f"The connection to the assistant's model broke before the end of the answer. {AGAIN}",
}
NO_MODEL = f"The assistant's model cannot be used. {SET_UP}"
NO_SEARCH = "The documents cannot be searched now."
NO_SERVICE = f"The assistant cannot reach a service that it needs. {SET_UP}"


def sentence_for_askers(code: str) -> str:
    """Without addresses, names of models and settings, which are not theirs."""
    known = ERROR_CODES[code]
    if known.origin is Origin.CHAT:
        return FOR_ASKERS.get(code, NO_MODEL)
    if known.origin is Origin.ADDRESS:
        return NO_SERVICE
    return f"{NO_SEARCH} {AGAIN if known.retry else SET_UP}"
