"""The canonical JSON of any payload equals PostgreSQL's text of it."""

import json

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.digests import jsonb_text, normalize_for_jsonb

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


def serialized_by_postgresql(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [text])
        return cursor.fetchone()[0]


@pytest.mark.usefixtures("database")
@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXT, VALUES))
def test_payload_is_serialized_as_postgresql_does(payload):
    kept = normalize_for_jsonb(payload)
    assert jsonb_text(kept) == serialized_by_postgresql(json.dumps(kept))
    assert normalize_for_jsonb(json.loads(serialized_by_postgresql(json.dumps(kept)))) == kept
