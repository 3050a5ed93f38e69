"""The rows of the harness's report, from what its tests counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from benchmarks.reports import Row
from tests.proof.isolation.load import THREADS

TRIED = {
    "cells": ("SQL: table × statement × scope", "each answered exactly as it must be"),
    "requests": ("Requests to every route", "none tells a foreign id from an absent one"),
    "ids in fields": ("Ids in fields of forms", "the same"),
    "described places": ("Ids in each place of each operation of the OpenAPI document", "the same"),
    "places below /v1/": ("Ids in each place of each operation for OpenAI's clients", "the same"),
    "foreign cursors": ("Another's cursors", "nothing foreign"),
    "foreign idempotency keys": ("Another's idempotency keys", "as unused ones"),
    "ids in actions": ("Ids in actions on lists", "the same"),
    "filters": ("Filters of lists", "the same"),
    "bodies of bound keys": ("Ids in bodies, sent with bound keys", "the same"),
    "choices": ("Questions for choices", "nothing foreign"),
    "arguments of commands": ("Arguments of commands", "none tells a foreign id from an absent one"),
    "kept secrets": (
        "Requests with what the maker of an account has kept: its link, password, session and key",
        "as without",
    ),
    "ids of a person": ("Ids and addresses of that person, sent by the maker", "as absent ones"),
    "forged searches": ("Searches with forged filters", "nothing foreign"),
}
WAYS = {"pool": "a pool of 5 connections", "pgbouncer": "PgBouncer with 5 connections"}


def figures(counted: Counter[str]) -> Iterator[Row]:
    for key, (what, target) in TRIED.items():
        if key in counted:
            yield {"What": what, "Measured": f"{counted[key]:,}", "Target": target}
    for way, through in WAYS.items():
        if f"{way}: requests" in counted:
            requests, seconds = counted[f"{way}: requests"], counted[f"{way}: seconds"]
            own, foreign = counted[f"{way}: own"], counted[f"{way}: foreign"]
            yield {
                "What": f"{requests:,} requests by {THREADS} threads through {through}, in {seconds:,} s",
                "Measured": f"{own:,} answers with one's own words, {foreign:,} with another's",
                "Target": "0 with another's",
            }
