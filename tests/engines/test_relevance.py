"""Relevance from the scores of rankings."""

from __future__ import annotations

from uuid import uuid4

from engines.embedding.cosines import Cosines
from engines.vectors.fusion import SPARSE, Measure, fuse
from engines.vectors.relevance import READ


def test_passages_that_are_removed_during_a_search_are_ranked_all_the_same():
    """The passages are counted after they were found."""
    first, second = str(uuid4()), str(uuid4())
    hits = fuse({SPARSE: [(first, 2.0), (second, 1.0)]}, Measure(Cosines(), 3, 0), READ, 10)
    assert [str(hit.point_id) for hit in hits] == [first, second]
    assert 1 > hits[0].score > hits[1].score > 0
