"""The OpenAPI document for the fuzzer."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from django.db import connection
from schemathesis.config import SchemathesisConfig

from core.api import events
from core.api.schema.examples import placeholder
from core.isolation.scope import tenant_scope
from core.permissions import Role
from oyl.openapi import document
from oyl.routes import ROUTES
from tenants.models import ApiKey, Membership
from tests.conftest import Person
from tests.support.admin_rows import make_rows
from tests.support.api_client import Caller, make_caller

# An invalid body may be refused for its If-Match before it is validated. A valid one may be refused because of existing
# rows, and for what no schema expresses: a NUL, a number of more than 64 bits.
NEGATIVE = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422"]
POSITIVE = ["2xx", "304", "400", "401", "403", "404", "409", "412", "422"]
EVENT = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}


class OwnKey:
    """The owner's key. The fuzzer may revoke it, or demote its owner; both are restored before the next request."""

    owner: Person
    caller: Caller

    may_be_revoked = False

    def get(self, case: Any, _: Any) -> Caller:
        if self.may_be_revoked:
            self._restore()
        self.may_be_revoked = case.path.startswith(("/api/v1/api-keys/", "/api/v1/members/"))
        return self.caller

    def _restore(self) -> None:
        with tenant_scope(self.owner.tenant_id):
            Membership.objects.update_or_create(user=self.owner.user, defaults={"role": Role.OWNER})
            works = ApiKey.objects.filter(pk=self.caller.key.api_key.pk, revoked_at=None).exists()
        if not works:
            self.caller = make_caller(self.owner)
        connection.close()

    def set(self, case: Any, caller: Caller, _: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {caller.key.secret}"}


def fuzz_schema(
    owner: Person, address: str, *, examples: int, phases: list[str], covered: str = "all", seed: int = 0
) -> Any:
    """Return the document, with ids of existing rows in its examples, which the fuzzer tries first. `covered` says which
    values the phase "coverage" tries at the bounds of each schema: "positive", "negative" or "all"."""
    text = json.dumps(_with_schema_of_one_event(document()))
    rows = make_rows(owner)
    for view in ROUTES.values():
        if view.model in rows:
            name = str(view.model._meta.model_name)
            text = text.replace(placeholder(name), str(rows[view.model].pk))
    schema = schemathesis.openapi.from_dict(json.loads(text), config=_config(examples, phases, covered, seed))
    schema.config.update(base_url=address)
    schema.auth(refresh_interval=None)(
        type("OwnKey", (OwnKey,), {"owner": owner, "caller": make_caller(owner)})
    )
    return schema


def _with_schema_of_one_event(value: Any) -> Any:
    """Schemathesis checks each event by the schema, as OpenAPI 3.2 has it; in 3.1 it is that of the whole text."""
    if isinstance(value, list):
        return [_with_schema_of_one_event(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {"schema": EVENT} if key == events.MEDIA_TYPE else _with_schema_of_one_event(one)
        for key, one in value.items()
    }


def _config(examples: int, phases: list[str], covered: str, seed: int) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "generation": {
                "max-examples": examples,
                "deterministic": True,
                "no-shrink": True,
                "with-security-parameters": False,  # a check of its own tests whether they are ignored
            },
            "phases": {
                **{name: {"enabled": name in phases} for name in ("examples", "fuzzing", "stateful")},
                "coverage": {"enabled": "coverage" in phases, "generation": {"mode": covered}},
            },
            "checks": {
                "negative_data_rejection": {"expected-statuses": NEGATIVE},
                "positive_data_acceptance": {"expected-statuses": POSITIVE},
                # In sequences, the fuzzer also requests generated ids, which do not exist.
                "ensure_resource_availability": {"enabled": False},
            },
            # A key that was deleted is revoked: it stays in the list, with the time.
            "operations": [
                {"include-path": "/api/v1/api-keys/{id}/", "checks": {"use_after_free": {"enabled": False}}}
            ],
            "continue-on-failure": True,
            "seed": seed,
        }
    )
