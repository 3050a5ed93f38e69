"""`manage.py demo`: a first tenant, with the project's documentation as documents."""

from __future__ import annotations

import json
import os
from typing import Any, cast
from uuid import UUID

from django.conf import settings

from conversations.services.assistants import prepare_assistant
from core.actors import command_actor
from core.commands import OylCommand
from core.isolation.tenant_directory import all_tenants
from knowledge.services.adding import add_documents
from knowledge.services.references import get_or_create_reference
from knowledge.storage.folders import uploads_in
from knowledge.storage.values import Upload
from tenants.services.organisations import create_tenant

TENANT, EMAIL, WORKSPACE, REFERENCE = (
    "Demo",
    "admin@demo.localhost",
    "Getting started",
    "OYL's own documentation",
)
ASSISTANT = "OYL guide"
GREETING = "Ask me how OYL is used and run. I answer from its documentation."
QUESTIONS = [
    "How are tenants kept apart?",
    "What happens to a deleted conversation?",
    "How many requests may each key send in a minute?",
]
INSTRUCTION = """\
You help people who run and use OYL. Answer from its documentation, briefly, and name the command or the page of the admin \
that they need.
"""


class Command(OylCommand):
    help = (
        "Make the demo tenant with an assistant that reads OYL's documentation. The link by which its owner joins is kept in"
        " demo.json."
    )

    def run(self, *args: Any, **options: Any) -> dict[str, str]:
        """Run again, it adds what is missing, and changes neither the owner's link nor their password."""
        found = next((pk for pk, name in all_tenants().items() if name == TENANT), None)
        new = None if found else create_tenant(name=TENANT, admin_email=EMAIL, credential="demo")
        actor = command_actor(new.tenant_id if new else cast(UUID, found), "demo")
        reference = get_or_create_reference(actor=actor, workspace=WORKSPACE, reference=REFERENCE)
        uploads = [one for one in uploads_in([settings.BASE_DIR / "docs"]) if isinstance(one, Upload)]
        add_documents(
            actor=actor,
            reference_id=reference.pk,
            uploads=[one for one in uploads if one.path.suffix == ".md"],
        )
        prepare_assistant(
            actor=actor,
            workspace=WORKSPACE,
            name=ASSISTANT,
            references=[reference.pk],
            instruction=INSTRUCTION,
            settings={"greeting": GREETING, "starter_questions": QUESTIONS},
        )
        path = settings.LAYOUT.data / "demo.json"  # read at each start, to print it for the operator
        sign_in = {"tenant": TENANT, "email": EMAIL, **({"link": new.link} if new else {})}
        if new or not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
                json.dump(sign_in, file)
        return sign_in
