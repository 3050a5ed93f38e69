"""The index of words has each word of a phrase: otherwise a phrase could be in a passage and not be found."""

from __future__ import annotations

import pytest

from engines.languages import language_of
from engines.vectors.bm25 import document_terms, query_terms
from knowledge.search.passages import words_to_look_up
from tests.engines.languages import PASSAGES

MORE = {
    "identifiers": "Order AB-4711/2024, part no. 12.345-678, serial SN00471133X, host 10.0.0.17:8080, ERR:404, v2.31.0.",
    "code": "std::vector<int> fooBar = snake_case(HTTPServer, 0x1F); C++ and C#, .NET, node.js; C:\\Users\\ada\\plan_b.docx",
    "numbers": "It cost 1,234.50 € (12.5 %) on 2024-03-01 at 12:30, 3.000 of 8.000 askers; 0.66-0.96; 5'-end; 1.234.567,89",
    "apostrophes": "L’été d'Élise, don't, O'Neill's, rock 'n' roll, Türkiye'nin 1998'de",
    "short": "από το 1870 έως το 1939, όταν το ίδιο ισχύει, των ιστών και είτε",
    "signs": "R&D (AT&T), a@b.example, https://example.org/a/b?c=d#e, X-ray, COVID-19, Baden-Württemberg, naïve café",
}


@pytest.mark.parametrize("text", [*PASSAGES.values(), *MORE.values()], ids=[*PASSAGES, *MORE])
def test_each_word_of_a_text_has_a_term_in_the_index(text: str) -> None:
    """Whatever language the text was taken for."""
    words = {word: query_terms(word, exact=True).indices.tolist() for word in words_to_look_up(text)}
    assert words
    for language in {language_of(text), None, "en", "de"}:
        stored = set(document_terms(text, language).indices.tolist())
        assert [word for word, terms in words.items() if stored.isdisjoint(terms)] == []
