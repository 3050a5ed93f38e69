"""A workflow with every kind of step of the engine, whose output depends on its input alone, and the runs of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.actors import Actor, ActorKind
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership, User
from tenants.services.organisations import create_tenant
from workflows.models import Workflow, WorkflowStep
from workflows.services.publishing import publish
from workspaces.models import Workspace

Step = dict[str, Any]
INPUTS = 10
RETRIED = {"retries": 10, "wait_seconds": 0.1}


def step(key: str, kind: str, config: dict[str, Any], **fields: Any) -> Step:
    return {"key": key, "type": kind, "config": config, **fields}


def effect(key: str, url: str, item: str) -> Step:
    body = f'{{"run": input.key, "step": "{key}", "item": {item}}}'
    return step(key, "http_request", {"method": "POST", "url": url, "json": body}, on_error=RETRIED)


def child_steps(url: str) -> list[Step]:
    return [
        effect("item", url, "input.item"),
        step("nap", "wait", {"seconds": 0.2}),
        step("end", "end", {"output": "steps.item.output.body.square"}),
    ]


def steps(url: str, child: str, square: str) -> list[Step]:
    branch = {"workflow": square, "input": {"item": "input.n"}}
    return [
        step("prepare", "transform", {"values": {"n": "input.n", "items": "[1, 2, input.n]"}}),
        effect("announce", url, "input.n"),
        step(
            "is_even", "condition", {"if": "steps.prepare.output.n % 2 == 0", "then": "which", "else": "odd"}
        ),
        step("odd", "transform", {"values": {"kind": "'odd'"}}),
        step(
            "which",
            "switch",
            {
                "value": "steps.prepare.output.n % 3",
                "cases": [{"equals": 0, "step": "nap"}],
                "default": "count",
            },
        ),
        step(
            "count", "transform", {"values": {"n": "has(steps.count.output) ? steps.count.output.n + 1 : 1"}}
        ),
        step("again", "condition", {"if": "steps.count.output.n < 3", "then": "count"}),
        step("nap", "wait", {"seconds": 0.5}),
        step("go", "wait", {"signal": "go"}),
        step(
            "approve",
            "approval",
            {"question": "Is {{ input.n }} good?", "show": "input.n", "rejected": "refused"},
        ),
        step(
            "each",
            "iterate",
            {
                "items": 'steps.prepare.output.items.map(i, {"key": input.key, "item": i})',
                "workflow": child,
                "at_once": 2,
            },
            on_error=RETRIED,
        ),
        step("both", "parallel", {"branches": {"one": branch, "two": branch}}, on_error=RETRIED),
        step("sub", "sub_workflow", {"workflow": square, "input": {"item": "7"}}, on_error=RETRIED),
        step(
            "wrong",
            "transform",
            {"values": {"n": "input.missing.n"}},
            on_error={"then": "continue", "output": "as ever"},
        ),
        effect("finish", url, "input.n"),
        step(
            "end",
            "end",
            {
                "output": '{"each": steps.each.output, "both": steps.both.output, "sub": steps.sub.output, "wrong": '
                'steps.wrong.output, "go": steps.go.output, "comment": steps.approve.output.comment}'
            },
        ),
        step("refused", "end", {"output": '{"refused": steps.approve.output.comment}'}),
    ]


def square_steps() -> list[Step]:
    return [step("square", "transform", {"values": {"n": "input.item * input.item"}})]


def make(name: str, url: str) -> tuple[Actor, Workflow]:
    """In a new tenant."""
    tenant_id = create_tenant(name=name, admin_email=f"{name}@example.org").tenant_id
    actor = owner(tenant_id)
    with tenant_scope(tenant_id):
        workspace = Workspace.objects.create(name="Main")
    square = _publish(actor, workspace, "square", square_steps())
    child = _publish(actor, workspace, "child", child_steps(url))
    return actor, _publish(actor, workspace, "main", steps(url, str(child.pk), str(square.pk)))


def owner(tenant_id: UUID) -> Actor:
    """A person who owns the tenant."""
    with tenant_scope(tenant_id):
        user = User.objects.create_user(f"{tenant_id}@example.org")
        Membership.objects.create(user=user, role=Role.OWNER)
    return Actor(
        kind=ActorKind.USER, tenant_id=tenant_id, role=Role.OWNER, credential="session", user_id=user.pk
    )


def _publish(actor: Actor, workspace: Workspace, name: str, steps: list[Step]) -> Workflow:
    with tenant_scope(actor.tenant_id):
        workflow: Workflow = Workflow.objects.create(workspace=workspace, name=name)
        for position, one in enumerate(steps, 1):
            WorkflowStep.objects.create(
                workflow=workflow,
                position=position,
                key=one["key"],
                type_enum=one["type"],
                config_json=one["config"],
                on_error_json=one.get("on_error", {}),
            )
        publish(workflow, actor=actor)
    return workflow


def expected_effects(key: str, n: int) -> set[tuple[str, str, int]]:
    """Each effect of a run: (run, step, item)."""
    if is_refused(n):
        return {(key, "announce", n)}
    return {(key, "announce", n), (key, "finish", n), *((key, "item", item) for item in (1, 2, n))}


def is_refused(n: int) -> bool:
    return n % 5 == 4
