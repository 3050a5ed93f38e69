"""`manage.py add_example_workflow EXAMPLE --tenant T --workspace W`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand, new_name
from core.errors import InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from workflows.services.examples import add_example, example_names
from workflows.services.publishing import publish
from workspaces.models import Workspace


class Command(TenantCommand):
    help = "Add one of the example workflows to a workspace, and publish it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("example", choices=example_names())
        parser.add_argument("--workspace", type=new_name, required=True, metavar="NAME")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        with tenant_scope(actor.tenant_id):
            found = list(Workspace.objects.filter(name=options["workspace"])[:2])
            if not found:
                raise NotFoundError(f"There is no workspace '{options['workspace']}'. Make one in the admin.")
            if len(found) > 1:
                raise InvalidError(f"Several workspaces are named '{options['workspace']}'. Rename one.")
            workflow = add_example(options["example"], workspace=found[0], actor=actor)
            publish(workflow, actor=actor)
        return {"id": workflow.pk, "name": workflow.name}

    def describe(self, result: dict[str, Any]) -> str:
        return f"The workflow '{result['name']}' is published: {result['id']}"
