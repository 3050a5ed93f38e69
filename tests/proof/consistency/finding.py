"""All kinds planted at once, found by the command, and repaired by it."""

from __future__ import annotations

from collections import Counter

from benchmarks.reports import Row
from knowledge.reconcile.findings import FindingKind
from tests.knowledge.test_commands import run, run_failing
from tests.proof.consistency.corpus import Corpus
from tests.proof.consistency.plants import PLANTS, Planted


def find_all(ours: Corpus, theirs: Corpus) -> list[Row]:
    assert reconciled(ours) == reconciled(theirs) == set()  # nothing is wrong yet
    planted = {kind: _plant(kind, ours, theirs) for kind in FindingKind}
    expected = set().union(*planted.values())
    found = reconciled(ours, fails=True) | reconciled(theirs, fails=True)
    assert found == expected, found ^ expected
    assert reconciled(ours, "--repair", fails=True) | reconciled(theirs, "--repair") == expected
    left = reconciled(ours, fails=True) | reconciled(theirs)
    lost = planted[FindingKind.MISSING_FILE]  # which people alone can repair
    assert left == lost, left ^ lost
    _upload_again(ours)
    assert reconciled(ours) == reconciled(theirs) == set()
    _check_points(ours)
    return [_row(kind, _count(kind, expected), _count(kind, found), len(ours.long)) for kind in FindingKind]


def reconciled(corpus: Corpus, *options: str, fails: bool = False) -> Planted:
    person = corpus.shelf.person
    report = (
        run_failing("reconcile", *options, person=person)[0]
        if fails
        else run("reconcile", *options, person=person)
    )
    found = [(corpus.tenant_id, FindingKind(one["kind"]), one["subject"]) for one in report["findings"]]
    assert report["counts"] == Counter(kind for _, kind, _ in found)
    assert len(set(found)) == len(found)
    return set(found)


def _plant(kind: FindingKind, ours: Corpus, theirs: Corpus) -> Planted:
    planted: Planted = set().union(*(PLANTS[kind](ours, theirs, number) for number in range(len(ours.long))))
    assert _count(kind, planted) == len(ours.long)
    return planted


def _upload_again(corpus: Corpus) -> None:
    """The same bytes under the same name."""
    files = [corpus.shelf.folder / document.external_id for document in corpus.short]
    uploads = [
        corpus.shelf.upload(d.external_id, f.read_bytes()) for d, f in zip(corpus.short, files, strict=True)
    ]
    for start in range(0, len(uploads), 64):
        corpus.shelf.queue(*uploads[start : start + 64])
    corpus.shelf.work()


def _check_points(corpus: Corpus) -> None:
    """`reconcile` says that all is well; is it?"""
    for document in [*corpus.long[:5], *corpus.short[:5]]:
        now = corpus.shelf.document(document.pk)
        points = corpus.shelf.points(now)
        assert now.processed_status == "done"
        assert [point.id for point in points] == sorted(corpus.passages(now))
        assert {(p.generation, p.reference_id, p.tag_ids) for p in points} == {
            (now.generation, now.reference_id, ())
        }
        assert corpus.shelf.folder.joinpath(now.external_id).stat().st_size == now.size_bytes


def _count(kind: FindingKind, some: Planted) -> int:
    return sum(one[1] is kind for one in some)


def _row(kind: FindingKind, planted: int, found: int, wanted: int) -> Row:
    """A point that went to another tenant is also missing in its own."""
    return {
        "What": f"`{kind}`: planted, and found by name",
        "Measured": f"{planted:,}, {found:,}",
        "Target": f"all of {wanted:,} or more",
    }
