"""A data source that a query of a database fills, and what is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from jobs.states import JobState
from tests.conftest import Person
from tests.support.api_client import Caller
from tests.support.database_server import DatabaseServer
from workspaces.models import DataImport, DataSource, IntegrationConfig, Workspace


@dataclass
class Bench:
    owner: Person
    caller: Caller
    integration: IntegrationConfig
    source: DataSource
    server: DatabaseServer

    def add(self, sql: str, **fields: Any) -> Any:
        given = {"data_source": str(self.source.pk), "integration": str(self.integration.pk), "sql": sql}
        return self.caller.post("database-queries/", {**given, **fields})

    def change(self, pk: str, **fields: Any) -> Any:
        return self.caller("patch", f"database-queries/{pk}/", fields)

    def run(self, pk: str) -> dict[str, Any]:
        started = self.caller.post(f"database-queries/{pk}/run/", {})
        assert started.status_code == 202, started.content
        work_in_process(handler_of(DataImport), self.owner.tenant_id)
        found: dict[str, Any] = self.caller.get(f"data-imports/{started.json()['id']}/").json()
        return found

    def ask(self, sql: str) -> Any:
        answer = self.caller.post(f"data-sources/{self.source.pk}/query/", {"sql": sql})
        return answer.json().get("rows", answer.content)

    def planned(self) -> list[DataImport]:
        with tenant_scope(self.owner.tenant_id):
            return list(DataImport.objects.filter(state=JobState.QUEUED))


def make_bench(owner: Person, caller: Caller, server: Any, config: dict[str, Any], settings: Any) -> Bench:
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{config['port']}"]
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.create(name="Shops")
        source = DataSource.objects.create(workspace=workspace, name="Sales")
        integration = IntegrationConfig.objects.create(
            workspace=workspace, name="Shop", type_enum="database", config_encrypted_json=config
        )
    return Bench(owner, caller, integration, source, server)
