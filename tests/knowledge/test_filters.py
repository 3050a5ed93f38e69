"""The filter language: REST, OpenAI's routes, the admin's page and the command filter alike."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from core.isolation.scope import tenant_scope
from knowledge.errors import FilterInvalidError
from knowledge.models import Tag
from knowledge.search.filter_language import parse_filter_text
from knowledge.services.references import get_or_create_reference
from tests.knowledge.libraries import Library, make_tag

Filter = dict[str, Any]
Door = Callable[[Library, Filter], tuple[set[str], str]]
TEXT = "Honey bees dance to tell their sisters where the flowers of {} are.\n"
FACTS: dict[str, Filter] = {
    "old-report.md": {"valid_from": "2023-12-31T23:30:00Z", "year": 2023, "status": "draft"},
    "new-report.md": {
        "valid_from": "2024-04-01",
        "year": 2024,
        "2024": "2024-04-01",
        "authors": ["Ada Lovelace", "Alan"],
    },
    "notes.txt": {"valid_from": "soon", "year": "unknown"},
}


def by_rest(library: Library, where: Filter) -> tuple[set[str], str]:
    body = {"query": "bees", "min_score": 0, "filters": {"where": where}}
    answer = library.person.client.post("/api/v1/search/", body, content_type="application/json")
    found = answer.json()
    return {hit["filename"] for hit in found.get("results", ())}, answer.content.decode()


def by_openai(library: Library, where: Filter) -> tuple[set[str], str]:
    path = f"/v1/vector_stores/vs_{library.reference.pk.hex}/search"
    body = {"query": "bees", "ranking_options": {"score_threshold": 0}, "filters": where}
    answer = library.person.client.post(path, body, content_type="application/json")
    return {hit["filename"] for hit in answer.json().get("data", ())}, answer.content.decode()


def by_admin(library: Library, where: Filter) -> tuple[set[str], str]:
    fields = {"query": "bees", "min_score": "0", "where": json.dumps(where)}
    page = library.person.client.get("/admin/try-search/", fields).content.decode()
    return set(re.findall(r'#passage">([^<]+)</a>', page)), page


def by_command(library: Library, where: Filter) -> tuple[set[str], str]:
    out, err = io.StringIO(), io.StringIO()
    arguments = (
        "--tenant",
        str(library.tenant_id),
        "--json",
        "--min-score",
        "0",
        "--filter",
        json.dumps(where),
    )
    try:
        call_command("search", *arguments, "--", "bees", stdout=out, stderr=err)
    except CommandError as error:
        return set(), str(error)
    return {hit["filename"] for hit in json.loads(out.getvalue())}, err.getvalue()


@pytest.fixture
def filed(library: Library) -> Library:
    uploads = [
        library.upload(name, TEXT.format(name), metadata=facts, tags=(name.split("-")[0],))
        for name, facts in FACTS.items()
    ]
    library.queue(*uploads)
    library.work()
    return library


def compare(operator: str, key: str, value: Any) -> Filter:
    return {"type": operator, "key": key, "value": value}


def field(operator: str, name: str, value: Any) -> Filter:
    return {"type": operator, "field": name, "value": value}


def group(operator: str, *filters: Filter) -> Filter:
    return {"type": operator, "filters": filters}


OLD, NEW, NOTES = FACTS
CASES: list[tuple[Filter, set[str]]] = [
    (compare("eq", "year", 2024), {NEW}),
    (compare("ne", "year", 2024), {OLD, NOTES}),
    (compare("in", "year", [2023, "unknown"]), {OLD, NOTES}),
    (compare("nin", "year", [2023, "unknown"]), {NEW}),
    (compare("gt", "year", 2023), {NEW}),
    (compare("gte", "valid_from", "2024-01-01"), {NEW}),
    (compare("lt", "valid_from", "2024-01-01"), {OLD}),
    (compare("lt", "valid_from", "2024-01-01T00:30:00+01:00"), set()),
    (compare("lte", "valid_from", "2024-01-01T00:30:00+01:00"), {OLD}),
    (compare("exists", "status", True), {OLD}),
    (compare("exists", "status", False), {NEW, NOTES}),
    (compare("contains", "authors", "lovelace"), {NEW}),
    (compare("contains", "2024", "04"), {NEW}),
    (compare("gte", "2024", "2024-01-01"), {NEW}),
    (field("eq", "filename", OLD), {OLD}),
    (field("contains", "filename", "REPORT"), {OLD, NEW}),
    (field("eq", "type", "txt"), {NOTES}),
    (field("ne", "type", "txt"), {OLD, NEW}),
    (field("eq", "workspace", "Main"), set(FACTS)),
    (field("in", "tag", ["old", "notes.txt"]), {OLD, NOTES}),
    (field("gte", "created_at", "2020-01-01"), set(FACTS)),
    (field("lt", "updated_at", "2020-01-01"), set()),
    (group("or", compare("eq", "status", "draft"), field("eq", "filename", NOTES)), {OLD, NOTES}),
    (group("and", field("contains", "filename", "report"), compare("gte", "year", 2024)), {NEW}),
    (group("not", field("contains", "filename", "report"), compare("eq", "year", 1)), {NOTES}),
]


@pytest.mark.parametrize("door", [by_rest, by_openai, by_admin, by_command])
def test_all_doors_filter_alike(filed: Library, door: Door) -> None:
    for where, expected in CASES:
        assert door(filed, where)[0] == expected, where


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (compare("gte", "year", "soon"), "compares with a number, or with a date"),
        (compare("near", "year", 1), "type is one of eq, ne,"),
        (compare("exists", "year", 1), "takes true or false"),
        (compare("eq", "year", [1]), "the others one value"),
        (field("gte", "filename", "2024-01-01"), "is compared by eq, ne, in, nin, contains"),
        (field("eq", "colour", "red"), "filename, external_id, type"),
        ({**compare("eq", "year", 1), "values": 2}, "takes key, field, value"),
        (group("or"), "needs 1 to 100 filters"),
        ({"type": "eq", "key": "year"}, "needs what it compares with"),
        (compare("contains", "year", "\u0301"), "takes a text with a letter"),
        (compare("eq", "ye\0r", 1), "has a NUL character"),
        (field("contains", "filename", "\ud800"), "half of a surrogate pair"),
    ],
)
def test_all_doors_say_what_is_wrong(library: Library, where: Filter, sentence: str) -> None:
    for door in (by_rest, by_openai, by_admin, by_command):
        assert sentence in door(library, where)[1], door


@pytest.mark.parametrize("text", ["[" * 100_000, '{"type": "eq", "key": "a", "value": NaN}'])
def test_text_that_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(FilterInvalidError):
        parse_filter_text(text)


def test_a_filter_has_a_number_of_comparisons(library: Library) -> None:
    many = group("or", *(group("or", *[compare("exists", "year", True)] * 67) for _ in range(3)))
    assert "at most 200 comparisons" in by_rest(library, many)[1]


def search(library: Library, filters: Filter) -> tuple[int, Any]:
    body = {"query": "bees", "min_score": 0, "filters": filters}
    answer = library.person.client.post("/api/v1/search/", body, content_type="application/json")
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"metadata": {"valid_from": {"gte": "2024-01-01"}}}, {NEW}),
        ({"metadata": {"valid_from": {"gte": "2025-01-01"}}}, set()),
        ({"metadata": {"year": {"gte": 2023, "ne": 2024}}}, {OLD}),
        ({"filename": [OLD, NOTES]}, {OLD, NOTES}),
        ({"filename": {"contains": "report"}, "type": "md", "metadata": {"year": 2023}}, {OLD}),
        ({"created_at": {"gte": "2020-01-01", "lt": "2021-01-01"}}, set()),
        ({"external_id": {"ne": NEW}, "workspace": "Main"}, {OLD, NOTES}),
    ],
)
def test_short_form_of_rest(filed: Library, filters: Filter, expected: set[str]) -> None:
    status, found = search(filed, filters)
    assert (status, {hit["filename"] for hit in found["results"]}) == (200, expected)


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        ({"metadata": {"year": {"gte": "soon"}}}, "filters.metadata"),
        ({"filename": {"gte": "2024-01-01"}}, "filters.filename"),
        ({"created_at": "2024-01-01"}, "filters.created_at"),
        ({"where": {"type": "and"}}, "filters.where"),
    ],
)
def test_errors_of_rest_name_the_field(library: Library, filters: Filter, name: str) -> None:
    status, problem = search(library, filters)
    assert (status, problem["code"]) == (422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [name]


def test_all_tags_of_several_references(filed: Library) -> None:
    """A tag of the same name in another reference changes nothing."""
    other = get_or_create_reference(actor=filed.person.actor, workspace="Main", reference="Other")
    with tenant_scope(filed.tenant_id):
        Tag.objects.create(pk=uuid4(), reference=other, tag="old")
    status, found = search(filed, {"tags_all": ["old"]})
    assert (status, [hit["filename"] for hit in found["results"]]) == (200, [OLD])


def test_names_that_do_not_exist_are_told(filed: Library) -> None:
    make_tag(filed, "finance")
    cases: list[tuple[Filter, str]] = [
        ({"tags_any": ["fnance"]}, "There is no tag 'fnance' where you search. Did you mean 'finance'?"),
        ({"workspace": "Mian"}, "There is no workspace 'Mian' where you search. Did you mean 'Main'?"),
        ({"type": "markdwn"}, "There is no type 'markdwn' where you search. Did you mean 'markdown'?"),
        ({"tags_none": ["xyzzy"]}, "There is no tag 'xyzzy' where you search."),
        (
            {"metadata": {"yaer": 2024}},
            "None of the newest documents has the metadata 'yaer'. Did you mean 'year'?",
        ),
        (
            {
                "where": {"type": "not", "filters": [compare("exists", "year", True)]},
                "metadata": {"xyzzy": 1},
            },
            "",
        ),
    ]
    for filters, sentence in cases:
        assert search(filed, filters)[1]["warnings"] == [*filter(None, [sentence])]
    assert search(filed, {"tags_any": ["finance"]})[1]["warnings"] == []
    *_, last = search(filed, {"tags_any": [f"tag {number}" for number in range(5000)]})[1]["warnings"]
    assert last == "There is also no tag of 4990 further names."


def test_names_of_another_tenant_are_never_suggested(filed: Library, foreign_library: Library) -> None:
    make_tag(foreign_library, "merger")
    assert search(filed, {"tags_any": ["mergr"]})[1]["warnings"] == [
        "There is no tag 'mergr' where you search."
    ]
    for where in (field("eq", "filename", OLD), compare("exists", "year", True)):
        assert by_rest(foreign_library, where)[0] == set()
