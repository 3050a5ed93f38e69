"""Search the installed packages for code that could connect to somewhere, report usage, or write into the home folder.

`make review` searches packages whose version is not in reviewed.json yet, and writes there what it finds. A package whose
findings are new needs a row in `connections.py`. After changing a pattern, delete reviewed.json first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contracts.supply_chain.distributions import Installed, installed

REVIEWED = Path(__file__).with_name("reviewed.json")
# {signal: pattern}, in Python source and in native code.
SOURCE = {
    "telemetry": re.compile(rb"telemetry|analytics|scarf_|posthog|sentry_sdk|DO_NOT_TRACK", re.IGNORECASE),
    "updates": re.compile(rb"check_for_update|update_check|pypi\.org/(pypi|simple)"),
    "requests": re.compile(rb"urlopen\(|urlretrieve\(|(requests|httpx)\.(get|post|head|put|stream)\("),
    "downloads": re.compile(rb"hf_hub_download|snapshot_download|nltk\.download"),
    "look-ups": re.compile(rb"getaddrinfo\("),
    "home folder": re.compile(rb"expanduser\(|Path\.home\(|user_(cache|data|config)_dir"),
}
NATIVE = {
    "native telemetry": re.compile(rb"DISABLE_TELEMETRY|https://[a-z.]*(telemetry|events\.data)"),
    "native look-ups": re.compile(rb"\0getaddrinfo[\0@]"),
}


Review = dict[str, Any]  # {"version", "signals"}


def reviewed() -> dict[str, Review]:
    """By package."""
    found: dict[str, Review] = json.loads(REVIEWED.read_text()) if REVIEWED.exists() else {}
    return found


def review() -> dict[str, Review]:
    known = reviewed()
    return {one.name: _review(one, known.get(one.name)) for one in installed()}


def _review(one: Installed, known: Review | None) -> Review:
    if known and known["version"] == one.version:
        return known
    return {"version": one.version, "signals": sorted(signals(one))}


def signals(one: Installed) -> set[str]:
    return {name for path, patterns in _files(one) for name in _found(path.read_bytes(), patterns)}


def _files(one: Installed) -> Iterator[tuple[Path, dict[str, re.Pattern[bytes]]]]:
    for file in one.distribution.files or ():
        patterns = SOURCE if file.suffix == ".py" else NATIVE if ".so" in file.name else {}
        path = Path(str(file.locate()))
        if patterns and not {"tests", "test"} & {*file.parts} and path.is_file():
            yield path, patterns


def _found(content: bytes, patterns: dict[str, re.Pattern[bytes]]) -> Iterator[str]:
    return (name for name, pattern in patterns.items() if pattern.search(content))


if __name__ == "__main__":
    import tests.environment  # noqa: F401

    REVIEWED.write_text(json.dumps(review(), indent=1, sort_keys=True) + "\n")
