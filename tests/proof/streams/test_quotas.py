"""Askers at the same time overrun no quota."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from conversations.answering.events import Failed, Finished
from core.connections import give_back_connections
from core.quota_kinds import QuotaKind
from core.quotas import QuotaExceededError
from core.tenant_slots import TooBusyError
from tests.conversations.conftest import Desk, with_model
from tests.support.chat_server import ChatServer, says
from tests.support.quotas import limit, used

ASKERS, ANSWERS = 50, 10


def ask_at_once(desk: Desk) -> Counter[str]:
    """How the questions of the askers ended."""

    def ask(number: int) -> str:
        try:
            while True:
                try:
                    last = desk.ask(keep=False)[-1]
                    break
                except TooBusyError:
                    continue
                except QuotaExceededError:
                    return "refused"
        finally:
            give_back_connections()
        if isinstance(last, Failed):
            return last.code
        assert isinstance(last, Finished)
        return "answered"

    with ThreadPoolExecutor(ASKERS) as threads:
        return Counter(threads.map(ask, range(ASKERS)))


def test_askers_at_once_do_not_overrun_the_quota_of_answers(desk: Desk) -> None:
    limit(desk.person, QuotaKind.ANSWERS, ANSWERS)
    ended = ask_at_once(desk)
    assert ended["refused"] >= ASKERS - ANSWERS - 1 and ended["answered"] <= ANSWERS + 1, ended
    assert used(desk.person, QuotaKind.ANSWERS) <= ANSWERS + 1


def test_askers_at_once_do_not_overrun_the_quota_of_tokens(desk: Desk, server: ChatServer) -> None:
    """Each answer uses 400 tokens, nearly all that is reserved for it."""
    server.otherwise = says("word " * 90, usage={"prompt_tokens": 300, "completion_tokens": 100})
    with_model(desk, server, model={"max_tokens": 100})
    limit(desk.person, QuotaKind.ANSWER_TOKENS, 5000)
    ended = ask_at_once(desk)
    assert set(ended) <= {"answered", "quota_exceeded", "too_busy"} and ended["answered"] >= 3, ended
    assert used(desk.person, QuotaKind.ANSWER_TOKENS) <= 5000 + 400
