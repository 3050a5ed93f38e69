"""How many of the questions are answered without a model, and that none is answered wrongly."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from conversations.answering.asked_tables.meaning import query_for
from tests.conversations.asked_tables.questions import COLUMNS, FITTED, TABLES, UNSEEN, rows
from workspaces.data_sources.structured import as_sql

# Of those that have an answer, so many are answered; the documents answer the others.
ANSWERED = {"fitted": (17, 18), "unseen": (18, 18)}


@pytest.fixture(scope="module")
def connection() -> Any:
    made = duckdb.connect()
    for name, columns in COLUMNS.items():
        made.execute(f"CREATE TABLE {name} ({columns})")
        made.executemany(f"INSERT INTO {name} VALUES ({_marks(len(rows()[name][0]))})", rows()[name])
    return made


@pytest.mark.parametrize(("name", "questions"), [("fitted", FITTED), ("unseen", UNSEEN)])
def test_questions_are_answered_rightly_or_not_at_all(
    name: str, questions: list[tuple[str, str | None]], connection: Any
):
    found: dict[str, list[str]] = {"right": [], "wrong": [], "left": [], "missed": []}
    for question, expected in questions:
        meant = query_for(question, TABLES)
        if meant is None:
            found["missed" if expected else "left"].append(question)
            continue
        table, query = meant
        answer = _rows(connection, as_sql(table.name, [column.name for column in table.columns], query))
        is_right = expected is not None and answer == _rows(connection, expected)
        found["right" if is_right else "wrong"].append(question)
    assert found["wrong"] == []
    assert (len(found["right"]), len(found["right"]) + len(found["missed"])) == ANSWERED[name], found[
        "missed"
    ]


def _rows(connection: Any, sql: str) -> list[Any]:
    return sorted(connection.execute(sql).fetchall(), key=repr)


def _marks(count: int) -> str:
    return ", ".join("?" * count)
