"""All kinds of inconsistencies are planted at once, found by the command, and repaired by it."""

from __future__ import annotations

from collections import Counter

from benchmarks.reports import Row
from knowledge.reconcile.findings import FindingKind
from tests.knowledge.commands import run, run_failing
from tests.proof.consistency.corpus import Corpus
from tests.proof.consistency.planting import PLANT_FUNCTIONS, Findings


def find_all(corpus: Corpus, foreign: Corpus) -> list[Row]:
    assert reconcile(corpus) == reconcile(foreign) == set()  # consistent before
    planted: dict[FindingKind, Findings] = {}
    for kind, plant in PLANT_FUNCTIONS.items():
        planted[kind] = set().union(*(plant(corpus, foreign, number) for number in range(len(corpus.long))))
        assert _count(kind, planted[kind]) == len(corpus.long)
    expected = set().union(*planted.values())
    found = reconcile(corpus, fails=True) | reconcile(foreign, fails=True)
    assert found == expected, found ^ expected
    assert reconcile(corpus, "--repair", fails=True) | reconcile(foreign, "--repair") == expected
    remaining = reconcile(corpus, fails=True) | reconcile(foreign)
    missing_files = planted[FindingKind.MISSING_FILE]  # which only an upload can repair
    assert remaining == missing_files, remaining ^ missing_files
    _upload_again(corpus)
    assert reconcile(corpus) == reconcile(foreign) == set()
    _assert_points_are_repaired(corpus)
    return [
        {
            "What": f"`{kind}`: planted, and found by name",
            "Measured": f"{_count(kind, expected):,}, {_count(kind, found):,}",
            # A point that moved to another tenant is also missing in its own.
            "Target": f"all of {len(corpus.long):,} or more",
        }
        for kind in FindingKind
    ]


def reconcile(corpus: Corpus, *options: str, fails: bool = False) -> Findings:
    person, arguments = corpus.library.person, ("reconcile", *options)
    report = run_failing(*arguments, person=person)[0] if fails else run(*arguments, person=person)
    findings = [
        (corpus.tenant_id, FindingKind(finding["kind"]), finding["subject"]) for finding in report["findings"]
    ]
    assert report["counts"] == Counter(kind for _, kind, _ in findings)
    assert len(set(findings)) == len(findings)
    return set(findings)


def _count(kind: FindingKind, findings: Findings) -> int:
    return sum(finding[1] is kind for finding in findings)


def _upload_again(corpus: Corpus) -> None:
    """Upload the same bytes under the same names."""
    library = corpus.library
    uploads = []
    for document in corpus.short:
        content = (library.folder / document.external_id).read_bytes()
        uploads.append(library.upload(document.external_id, content))
    for start in range(0, len(uploads), 64):
        library.queue(*uploads[start : start + 64])
    library.work()


def _assert_points_are_repaired(corpus: Corpus) -> None:
    """Check some points independently of `reconcile`."""
    library = corpus.library
    for stale in [*corpus.long[:5], *corpus.short[:5]]:
        document = library.document(stale.pk)
        points = library.points(document)
        assert document.processed_status == "done"
        assert [point.id for point in points] == sorted(corpus.chunk_ids(document))
        assert {(point.generation, point.reference_id, point.tag_ids) for point in points} == {
            (document.generation, document.reference_id, ())
        }
        assert library.folder.joinpath(document.external_id).stat().st_size == document.size_bytes
