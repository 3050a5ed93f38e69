"""The management commands of knowledge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.isolation.scope import tenant_scope
from knowledge.models import Document
from tests.conftest import Person
from tests.knowledge.commands import run, run_failing
from tests.knowledge.libraries import BEES, RIVERS, Library

OPTIONS = ("--workspace", "Main", "--reference", "Files")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "bees.md").write_text(BEES)
    (tmp_path / "sub" / "rivers.md").write_text(RIVERS)
    (tmp_path / ".hidden").write_text("secret")
    return tmp_path


def test_ingest_list_search_and_delete_a_folder(owner: Person, folder: Path) -> None:
    result = run("ingest", folder, *OPTIONS, "--wait", person=owner)
    assert (result["added"], result["failed"], result["chunks"]) == (2, [], 2)
    repeated = run("ingest", folder, *OPTIONS, "--wait", person=owner)
    assert (repeated["added"], repeated["updated"], repeated["unchanged"]) == (0, 0, 2)
    listed = run("list_documents", "--reference", "Files", person=owner)
    assert [(row["filename"], row["status"], row["chunks"]) for row in listed] == [
        ("bees.md", "done", 1),
        ("rivers.md", "done", 1),
    ]
    (best, *_) = run("search", "which countries does the Danube cross?", "-k", 1, person=owner)
    assert (best["filename"], best["document"]) == ("rivers.md", listed[1]["id"])
    assert set(best) >= {"page", "heading", "text", "score", "scores", "tags", "chunk_id"}
    assert run("delete_document", listed[1]["id"], person=owner) == {"deleted": 1}
    assert len(run("list_documents", person=owner)) == 1


def test_commands_of_another_tenant_see_nothing(owner: Person, stranger: Person, folder: Path) -> None:
    run("ingest", folder, *OPTIONS, "--wait", person=owner)
    assert run("list_documents", person=stranger) == []
    assert run("search", "bees", person=stranger) == []
    (document, *_) = run("list_documents", person=owner)
    assert "no such document" in run_failing("delete_document", document["id"], person=stranger)[1]
    assert "no reference" in run_failing("search", "bees", "--reference", "Files", person=stranger)[1]


def test_unreadable_files_do_not_stop_the_others(owner: Person, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / "bees.md.meta.json").write_text("{nonsense")
    missing = folder / "nowhere"
    result, message = run_failing("ingest", folder, missing, *OPTIONS, "--wait", person=owner)
    assert "not be read: 3" in message
    codes = {Path(failure["file"]).name: failure["code"] for failure in result["failed"]}
    assert codes == {"broken.pdf": "corrupt_file", "bees.md": "file_unreadable", "nowhere": "file_not_found"}
    assert result["added"] == 2


def test_second_file_of_the_same_name_is_reported(owner: Person, folder: Path) -> None:
    (folder / "sub" / "bees.md").write_text(RIVERS)
    files = (folder / "bees.md", folder / "sub" / "bees.md")
    result, _ = run_failing("ingest", *files, *OPTIONS, person=owner)
    assert result["added"] == 1
    assert [(failure["file"], failure["code"]) for failure in result["failed"]] == [
        (str(files[1]), "same_name")
    ]
    assert run("ingest", files[0], folder, files[0], *OPTIONS, person=owner)["failed"] == []


def test_empty_path_is_refused(owner: Person) -> None:
    _, message = run_failing("ingest", "", *OPTIONS, person=owner)
    assert "must not be empty" in message


def test_search_by_tag(owner: Person, folder: Path) -> None:
    (folder / "bees.md.meta.json").write_text(json.dumps({"tags": ["insects"]}))
    run("ingest", folder, *OPTIONS, "--wait", person=owner)
    search = ("search", "water", "--tag", "insects")
    assert [hit["filename"] for hit in run(*search, "--min-score", 0, person=owner)] == ["bees.md"]
    assert run(*search, person=owner) == []


def test_reconcile_finds_nothing_after_ingest(library: Library) -> None:
    library.add("bees.md", BEES)
    report = run("reconcile", person=library.person)
    assert (report["counts"], report["repaired"]) == ({}, 0)


def test_evaluate_measures_each_mode(owner: Person, tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    rows = [{"_id": "b", "title": "Bees", "text": BEES}, {"_id": "r", "title": "", "text": RIVERS}]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "dance of the bees"}))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tb\t1\n")
    figures = run("evaluate", tmp_path, person=owner)
    assert figures.keys() == {"hybrid", "dense", "sparse"}
    assert {(f["ndcg@10"], f["recall@100"], f["mrr@10"], f["queries"]) for f in figures.values()} == {
        (1, 1, 1, 1)
    }


def test_evaluate_names_the_missing_file(owner: Person, tmp_path: Path) -> None:
    assert "qrels/test.tsv" in run_failing("evaluate", tmp_path, person=owner)[1]


def test_queued_document_is_listed_as_pending(library: Library) -> None:
    library.queue(library.upload("bees.md", BEES))
    (row,) = run("list_documents", person=library.person)
    assert (row["status"], row["generation"], row["chunks"]) == ("pending", 0, 0)
    with tenant_scope(library.tenant_id):
        assert Document.objects.count() == 1


def test_data_folder_is_not_ingested(owner: Person, folder: Path, settings: Any) -> None:
    data_folder = folder / "var"
    data_folder.mkdir()
    (data_folder / "secrets.json").write_text("{}")
    settings.OYL_DATA_DIR = data_folder
    assert run("ingest", folder, *OPTIONS, person=owner)["added"] == 2
