"""Clients that send the same request many times at once, as they may when a response is late."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from benchmarks.reports import Row
from core.isolation.scope import tenant_scope
from tests.proof.conftest import Size
from tests.support.api_client import Caller
from workspaces.models import Workspace

AT_ONCE, THREADS = 50, 16


def test_concurrent_equal_requests_create_one_object(owner, caller: Caller, size: Size, measured: list[Row]):
    keys = [f"Number {number}" for number in range(size(4, 200))]

    def ask(key: str) -> tuple[int, str]:
        try:
            answer = caller.post("workspaces/", {"name": key}, **{"Idempotency-Key": key})
            return answer.status_code, answer.json().get("id", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        answers = {key: list(threads.map(ask, [key] * AT_ONCE)) for key in keys}
    again = {key: ask(key) for key in keys}
    with tenant_scope(owner.tenant_id):
        made = {str(pk): name for pk, name in Workspace.objects.values_list("pk", "name")}
    codes = Counter(code for some in answers.values() for code, _ in some)
    figures = {
        f"Keys with which {AT_ONCE} equal POSTs were sent at once": (f"{len(keys)}", ""),
        "… objects made": (f"{len(made)}", f"{len(keys)}"),
        "… answered 201, with the key's one object": (f"{codes[201]:,}", ""),
        "… answered 409, while the first was under way": (f"{codes[409]:,}", ""),
        "… answered otherwise": (f"{codes.total() - codes[201] - codes[409]:,}", "0"),
    }
    measured.extend(
        {"What": what, "Measured": found, "Target": target} for what, (found, target) in figures.items()
    )
    assert sorted(made.values()) == sorted(keys)
    assert set(codes) <= {201, 409}
    assert {(key, made[pk]) for key, some in answers.items() for code, pk in some if code == 201} == {
        (key, key) for key in keys
    }
    assert [made[pk] for _, pk in again.values()] == keys
