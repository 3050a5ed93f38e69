"""OYL's commands, and a call of one of them."""

from __future__ import annotations

import io
from argparse import Action
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands, load_command_class

from core.commands import email_address, new_name
from tests.proof.isolation.answers import VOLATILE
from tests.proof.isolation.parties import Party

OUR_APPS = {config.name for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR}
COMMANDS = {
    name: load_command_class(app, name) for name, app in sorted(get_commands().items()) if app in OUR_APPS
}
# Django's options, and the tenants, which the operator chooses.
GENERAL = {"help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color"}
GENERAL |= {"skip_checks", "json", "tenant", "all_tenants"}


def parser_of(name: str) -> Any:
    return COMMANDS[name].create_parser("manage.py", name)


def usual_value(argument: Action, folder: Path) -> str:
    if argument.type is UUID:
        return str(uuid4())
    if argument.type is email_address:
        return f"{uuid4().hex}@example.org"
    return "Tried" if argument.type in (None, new_name) else str(folder)


def run(name: str, tenant_id: UUID | None, arguments: dict[str, list[str]]) -> str:
    """Return the command's output, without its arguments."""
    given = [part for parts in arguments.values() for part in parts]
    whose = ["--tenant", str(tenant_id)] if tenant_id else []
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, *given, *whose, "--json", stdout=out, stderr=err)
        ended = ""
    except CommandError as error:
        ended = str(error)
    output = f"{out.getvalue()} {err.getvalue()} {ended}"
    for part in given:
        output = output.replace(part, "…")
    return VOLATILE.sub("…", output)


def mentions_victim(victim: Party, output: str) -> bool:
    return victim.word in output or victim.sign in output
