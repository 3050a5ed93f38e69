"""`manage.py route TEAMMATE QUESTION --tenant T`: who would answer, and why."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from assistants.models import Teammate
from conversations.presenting import shown_dry_run
from conversations.routing.service import dry_run
from conversations.services.assistants import find_partner
from core.actors import Actor
from core.commands import TenantCommand


class Command(TenantCommand):
    help = "Say which of a teammate's assistants would answer a question, and why. Nobody is asked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("teammate", metavar="TEAMMATE", help="its name or id")
        parser.add_argument("question")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        teammate = find_partner(actor.tenant_id, Teammate, options["teammate"])
        return shown_dry_run(dry_run(actor=actor, teammate=teammate, question=options["question"]))

    def describe(self, result: dict[str, Any]) -> str:
        names = ", ".join(one["name"] for one in result["assistants"])
        scores = [f"  {one['name']}: {one['score']:.3f}" for one in result["scores"]]
        return "\n".join([f"{names}. {result['why']}", *scores, *result["passed_over"]])
