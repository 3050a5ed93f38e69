"""A connector that is made and run by REST, with a worker in the same process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core import storage
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from knowledge.models import ConnectorRun
from tests.knowledge.libraries import Library
from tests.support.api_client import Caller

KEYS = {"access_key_id": "testing", "secret_access_key": "testing"}
# moto checks no signature.
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
}
COUNTS = ("added", "updated", "unchanged", "removed", "failed")


@dataclass(frozen=True)
class Bench:
    library: Library
    caller: Caller

    def integration(self, kind: str, config: dict[str, Any]) -> str:
        form = {
            "workspace": str(self.library.reference.workspace_id),
            "name": f"My {kind}",
            "type_enum": kind,
        }
        made = self.caller.post("integration-configs/", {**form, "config": config})
        assert made.status_code == 201, made.json()
        tested = self.caller.post(f"integration-configs/{made.json()['id']}/test/", {}).json()
        assert tested["ok"], tested
        return str(made.json()["id"])

    def connector(
        self, kind: str, config: dict[str, Any], integration: dict[str, Any] | None = None, **more: Any
    ) -> str:
        body = {"reference": str(self.library.reference.pk), "name": f"My {kind}", "kind": kind, **more}
        if integration is not None:
            body["integration"] = self.integration(kind, integration)
        made = self.caller.post("connectors/", {**body, "config_json": config})
        assert made.status_code == 201, made.json()
        return str(made.json()["id"])

    def start(self, connector: str) -> str:
        return str(self.caller.post(f"connectors/{connector}/sync/", {}).json()["id"])

    def sync(self, connector: str) -> dict[str, Any]:
        """The run when it has ended, or asks."""
        run = self.start(connector)
        self.work()
        return self.run(run)

    def work(self) -> None:
        work_in_process(handler_of(ConnectorRun), self.library.tenant_id)

    def run(self, pk: str) -> dict[str, Any]:
        found: dict[str, Any] = self.caller.get(f"connector-runs/{pk}/").json()
        return found

    def counts(self, connector: str) -> tuple[int, ...]:
        """Of a run of its own: added, updated, unchanged, removed, failed."""
        run = self.sync(connector)
        assert run["state"] == "done", run
        return tuple(run[name] for name in COUNTS)

    def failures(self, run: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.caller.get(f"connector-runs/{run}/failures/").json()["failed"]
        return found

    def names(self) -> list[str]:
        """The names of the documents in their sources, sorted."""
        return sorted(name.partition("/")[2] for name in self.library.documents())

    def metadata(self, key: str) -> dict[str, Any]:
        documents = self.library.documents()
        return next(row.metadata_json for name, row in documents.items() if name.partition("/")[2] == key)

    def bodies(self) -> dict[str, bytes]:
        """What was stored of each document."""
        found = {}
        for name, row in self.library.documents().items():
            with storage.local_copy(row.file_path) as path:
                found[name.partition("/")[2]] = path.read_bytes()
        return found
