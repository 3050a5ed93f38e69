"""OYL's main job, in an environment that switches nothing off: `up`, a file of each kind, searches, commands.

python -m tests.proof.offline.job FOLDER [--long]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
MANAGE = (sys.executable, "manage.py")
TENANT = ("--tenant", "Bees")
OCR = {"scan.pdf", "photo.heic"}
BY_UP = {"up", "demo", "migrate"}
REFUSED = {"changepassword", "createsuperuser"}
# {command: arguments}; the first three are the job of the small version.
COMMANDS = {
    "create_tenant": ("Bees", "--admin-email", "owner@example.org"),
    "ingest": ("FILES", *TENANT, "--workspace", "Main", "--reference", "Files", "--wait"),
    "search": ("bees", *TENANT, "--rerank"),
    "create_api_key": ("offline", *TENANT),
    "doctor": (),
    "list_documents": (*TENANT, "--json"),
    "create_assistant": ("Guide", *TENANT, "--workspace", "Main", "--reference", "Files"),
    "ask": ("Guide", "What do bees make?", *TENANT),
    "route": ("Team", "What do bees make?", *TENANT),
    "reread": TENANT,
    "reembed": ("Files", *TENANT, "--wait"),
    "delete_document": ("DOCUMENT", *TENANT),
    "evaluate": ("DATASET", *TENANT),
    "import_data": ("TABLE", *TENANT, "--workspace", "Main", "--name", "Honey"),
    "query": ("SELECT sum(kilograms) FROM honey", *TENANT),
    "add_example_workflow": ("weekly-digest", *TENANT, "--workspace", "Main"),
    "run_workflow": ("weekly-digest", *TENANT),
    "list_runs": TENANT,
    "cancel_run": ("RUN", *TENANT),
    "sync": ("Own files", *TENANT, "--wait"),
    "reconcile": ("--all-tenants", "--repair"),
    "check_rls": (),
    "verify_audit": ("--all-tenants",),
    "rotate_keys": ("--all-tenants",),
    "invite": ("member@example.org", *TENANT),
    "create_operator": ("operator@example.org",),
    "set_quota": ("documents", "1000", *TENANT),
    "list_tenants": (),
    "services": ("status",),
    "version": (),
}
SMALL = 3
DEMO_IS_MADE = {"email": "", "password": "", "tenant": "Bees"}


def main() -> None:
    folder, long = Path(sys.argv[1]), "--long" in sys.argv
    given = {"FILES": str(_files(folder / "files", long)), "DATASET": str(_dataset(folder / "dataset"))}
    given["TABLE"] = str(_table(folder / "dataset" / "honey.csv"))
    os.environ["CONNECTOR_FOLDERS"] = str(folder)
    if not long:  # reading OYL's documentation takes longer than the rest
        _mark_demo_as_made(Path(os.environ["OYL_DATA_DIR"]))
    with _up():
        for command, arguments in list(COMMANDS.items())[: None if long else SMALL]:
            output = _manage(command, *(given.get(one, one) for one in arguments))
            if command == "create_api_key":
                given["KEY"] = output.strip()
                assert _by_api(given["KEY"], "search/", {"query": "bees"})["results"]
            if command == "create_assistant":
                (workspace,) = _by_api(given["KEY"], "workspaces/?name=Main")["results"]
                (guide,) = _by_api(given["KEY"], "assistants/")["results"]
                config = {"strategy": "priority", "assistants": [guide["id"]]}
                team = {"workspace": workspace["id"], "name": "Team", "orchestration_config": config}
                _by_api(given["KEY"], "teammates/", team)
                (reference,) = _by_api(given["KEY"], "references/?name=Files")["results"]
                own = {"reference": reference["id"], "name": "Own files", "kind": "folder"}
                _by_api(given["KEY"], "connectors/", {**own, "config_json": {"path": given["FILES"]}})
            if command == "run_workflow":
                given["RUN"] = json.loads(output)["run_id"]
            if command == "list_documents":
                given["DOCUMENT"] = json.loads(output)[0]["id"]


def _mark_demo_as_made(data: Path) -> None:
    data.mkdir(mode=0o755)
    (data / "demo.json").write_text(json.dumps(DEMO_IS_MADE))


def _files(folder: Path, long: bool) -> Path:
    """A file of each kind. Recognising text takes seconds, so the small version has no pictures."""
    left_out = set() if long else OCR
    shutil.copytree(ROOT / "tests" / "files", folder, ignore=lambda _, names: left_out & {*names})
    if long:
        _write_texts(folder)
    return folder


def _write_texts(folder: Path) -> None:
    from engines.parsing.formats import FORMATS
    from engines.parsing.readers.json import NOTEBOOK
    from engines.parsing.readers.mail import EML
    from engines.parsing.readers.xml import XML

    content = {
        EML: "Subject: Bees\n\nBees make honey.\n",
        NOTEBOOK: json.dumps(
            {"cells": [{"cell_type": "markdown", "source": "Bees"}], "nbformat": 4, "metadata": {}}
        ),
        XML: "<bees>make honey</bees>",
    }
    for kind in FORMATS:
        for suffix in kind.suffixes if kind.is_text else ():
            (folder / f"text{suffix}").write_text(content.get(kind.mime_type, '{"bees": "make honey"}'))


def _dataset(folder: Path) -> Path:
    """A data set in BEIR's layout."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "1", "title": "", "text": "Bees make honey."}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "honey"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t1\n")
    return folder


def _table(path: Path) -> Path:
    path.write_text("year,kilograms\n2025,120.5\n2026,99.25\n")
    return path


@contextmanager
def _up() -> Iterator[None]:
    with subprocess.Popen([*MANAGE, "up"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            lines = []
            while "OYL is ready" not in (line := process.stdout.readline()):
                lines.append(line)
                if not line:
                    raise RuntimeError(f"OYL did not start: {''.join(lines)}")
            yield
        finally:
            process.terminate()


def _manage(*arguments: str) -> str:
    done = subprocess.run([*MANAGE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


def _by_api(key: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{os.environ['OYL_PORT']}/api/v1/{path}"
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
