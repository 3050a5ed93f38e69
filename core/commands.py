"""The base of OYL's commands: the result goes to stdout, as text or JSON, everything else to stderr."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import validate_email
from tqdm import tqdm

from core.actors import Actor, command_actor
from core.errors import OylError
from core.isolation import tenant_directory
from core.isolation.scope import refuse_unsafe_role
from core.isolation.time_limits import BULK, time_limits
from core.name_fields import validate_name
from core.names import printable
from core.progress import Progress

T = TypeVar("T")
MAX_NAME_LENGTH = 255
_LAYOUT = re.compile("([\n\t])")


@dataclass(slots=True)
class CommandResult:
    """The results of a command, all of one kind, and a sentence for each failure."""

    results: list[Any] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def new_name(value: str) -> str:
    """The argparse type of an argument that names a new object."""
    if not value.strip():
        raise ArgumentTypeError("a name must not be empty")
    if len(value) > MAX_NAME_LENGTH:
        raise ArgumentTypeError(f"a name has at most {MAX_NAME_LENGTH} characters; this one has {len(value)}")
    return value


def email_address(value: str) -> str:
    """The argparse type of an argument that is an e-mail address."""
    try:
        validate_email(value)
        validate_name(value)
    except ValidationError as error:
        raise ArgumentTypeError(f"'{value}' is not an e-mail address") from error
    return value


class OylCommand(BaseCommand):
    """A command returns its result (`run`), formats it as text (`describe`), and may name a problem in it (`problem`)."""

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options.pop("json")
        try:
            with time_limits(BULK):
                result = self.run(**options)
            self.report(result, as_json)
        except OylError as error:
            raise CommandError(_printed(str(error))) from error

    def run(self, *args: Any, **options: Any) -> Any:
        """Return the result: JSON values, dataclasses or ids. May raise OylError."""
        raise NotImplementedError

    def describe(self, result: Any) -> str:
        return _dump(result)

    def problem(self, result: Any) -> str:
        """A sentence for stderr, with exit code 1, although there is a result; "" when all went well."""
        return ""

    def report(self, result: Any, as_json: bool) -> None:
        several = result if isinstance(result, CommandResult) else CommandResult([result])
        text = "\n".join(map(self.describe, several.results))
        answer = _dump(several.results if several is result else result) if as_json else text
        self.stdout.write(_printed(answer))
        if problems := [*several.problems, *filter(None, map(self.problem, several.results))]:
            raise CommandError(_printed("\n".join(problems)))

    @contextmanager
    def progress(self, *, unit: str) -> Iterator[Progress]:
        """Show a progress bar on stderr during the block, if that is a terminal."""
        with tqdm(unit=unit, disable=None, leave=False) as bar:

            def progress(stage: str, *, done: int = 0, total: int = 0) -> None:
                bar.total = total
                bar.update(done - bar.n)

            yield progress

    def track(self, items: Iterable[T], *, unit: str, total: int | None = None) -> Iterator[T]:
        """Yield the items, with a progress bar on stderr if that is a terminal."""
        return iter(tqdm(items, unit=unit, total=total, disable=None, leave=False))


class TenantCommand(OylCommand):
    """A command in the tenant that `--tenant` names, or with `--all-tenants`, if offered, in one tenant after another. The
    result is then a list; a failure in one tenant is reported, and the command continues with the next."""

    offers_all_tenants = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument("--tenant", metavar="NAME_OR_ID")
        if self.offers_all_tenants:
            choice.add_argument("--all-tenants", action="store_true")

    def run(self, *args: Any, **options: Any) -> Any:
        refuse_unsafe_role()
        tenant = options.pop("tenant")
        if not options.pop("all_tenants", False):
            return self.run_for(self._actor(tenant_directory.tenant_named(tenant)), **options)
        every = CommandResult()
        tenants = tenant_directory.all_tenants()
        for tenant_id, name in self.track(tenants.items(), unit="tenant", total=len(tenants)):
            try:
                every.results.append(self.run_for(self._actor(tenant_id), **options))
            except OylError as error:
                every.problems.append(f"{name}: {error}")
        return every

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Any:
        """Return the result for `actor.tenant_id`; opens its own scopes."""
        raise NotImplementedError

    def _actor(self, tenant_id: UUID) -> Actor:
        return command_actor(tenant_id, type(self).__module__.rpartition(".")[2])


def _printed(text: str) -> str:
    """Escape what a terminal would not show, but act upon: names and texts come from tenants and files. In JSON, the escapes
    are JSON's."""
    return "".join(part if part in "\n\t" else printable(part) for part in _LAYOUT.split(text))


def _dump(result: Any) -> str:
    return json.dumps(result, cls=_Encoder, ensure_ascii=False)


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if is_dataclass(o) and not isinstance(o, type):
            return asdict(o)
        return super().default(o)
