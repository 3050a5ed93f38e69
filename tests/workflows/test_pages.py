"""The admin's pages of workflows, as people use them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Reference
from tests.conftest import make_member
from tests.support.workflows import Studio
from workflows.models import Approval, StepRun, StepType, TriggerKind, Workflow, WorkflowRun, WorkflowStep
from workflows.steps.registry import step_types
from workflows.triggers.webhooks import address_of, secret_of

INPUT = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
}
STEPS = [
    {"key": "large", "type": "condition", "config": {"if": "input.amount > 100", "then": "big", "else": "small"}},
    {"key": "big", "type": "end", "config": {"output": "'big'"}},
    {"key": "small", "type": "end", "config": {"output": "'small'"}},
]  # fmt: skip


@pytest.fixture
def browser(studio: Studio) -> Client:
    return studio.person.client


@pytest.fixture
def workflow(studio: Studio) -> Workflow:
    return studio.draft(STEPS, input_schema_json=INPUT)


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def text_of(response: Any) -> str:
    assert response.status_code == 200, response.content[:500]
    return str(response.content.decode())


def keys_of(studio: Studio, workflow: Workflow) -> list[str]:
    with tenant_scope(studio.tenant_id):
        return list(workflow.steps.order_by("position").values_list("key", flat=True))


def test_steps_are_listed_drawn_and_published(studio: Studio, browser: Client, workflow: Workflow):
    address = page("workflows_steps", workflow.pk)
    shown = text_of(browser.get(address))
    assert "Not published yet" in shown
    drawing = re.search(r"<svg class=\"oyl-diagram\".*?</svg>", shown, re.DOTALL)
    assert drawing and "large leads to big (then)." in drawing[0]
    done = text_of(browser.post(address, {"do": "publish"}, follow=True))
    assert "Version 1 is published" in done
    assert "have changed since" not in text_of(browser.get(address))


def test_steps_are_moved_and_deleted(studio: Studio, browser: Client, workflow: Workflow):
    address = page("workflows_steps", workflow.pk)
    browser.post(address, {"do": "up:small"})
    assert keys_of(studio, workflow) == ["large", "small", "big"]
    browser.post(address, {"do": "down:large"})
    assert keys_of(studio, workflow) == ["small", "large", "big"]
    browser.post(address, {"do": "order", "keys": "large big small"})
    assert keys_of(studio, workflow) == ["large", "big", "small"]
    refused = text_of(browser.post(address, {"do": "order", "keys": "large big"}, follow=True))
    assert "have changed meanwhile" in refused
    browser.post(address, {"do": "delete:big"})
    assert "There is no step &#x27;big&#x27;" in text_of(browser.get(address))


def test_a_step_is_checked_as_one_types_and_saved(studio: Studio, browser: Client, workflow: Workflow):
    with tenant_scope(studio.tenant_id):
        step = workflow.steps.get(key="large")
    typed = {"type": "condition", "step_id": step.pk, "key": "large", "config-if": "input.amout > 1"}
    found = browser.post(page("workflows_check", workflow.pk), typed).json()["problems"]
    assert "amout" in " ".join(found)
    address = page("workflows_step", workflow.pk, step.pk)
    shown = text_of(browser.get(address))
    assert "input.amount &gt; 100" in shown and 'value="steps.big.output"' in shown
    typed["config-if"] = "input.amount > 7"
    assert browser.post(address, typed).status_code == 302
    with tenant_scope(studio.tenant_id):
        step.refresh_from_db()
        assert step.config_json == {"if": "input.amount > 7"}
        assert AuditLog.objects.filter(object_id=step.pk, action="workflow_step.changed").exists()


def test_a_step_is_added_as_json(studio: Studio, browser: Client, workflow: Workflow):
    address = page("workflows_step_add", workflow.pk)
    typed = {
        "type": "transform",
        "key": "more",
        "as_json": "on",
        "config_json": '{"values": {"double": "input.amount * 2"}}',
    }
    assert browser.post(address, typed).status_code == 302
    assert keys_of(studio, workflow)[-1] == "more"
    again = text_of(browser.post(address, typed))
    assert "There is one of this key already" in again


@pytest.mark.parametrize("kind", sorted(step_types()))
def test_each_type_has_a_form(studio: Studio, browser: Client, workflow: Workflow, kind: str):
    with tenant_scope(studio.tenant_id):
        Reference.objects.create(workspace=studio.workspace, name="Manuals")
    shown = text_of(browser.get(page("workflows_step_add", workflow.pk), {"type": kind}))
    for name in step_types()[StepType(kind)].config_schema["properties"]:
        assert f'name="config-{name}"' in shown


def test_a_run_is_started_by_a_form_and_shown(studio: Studio, browser: Client, workflow: Workflow):
    browser.post(page("workflows_steps", workflow.pk), {"do": "publish"})
    address = page("workflows_start", workflow.pk)
    assert "This field is required" in text_of(browser.post(address, {"do": "start"}))
    answer = browser.post(address, {"do": "start", "input-amount": "500"})
    assert "data-unfinished" in text_of(browser.get(answer["Location"]))
    studio.work()
    shown = text_of(browser.get(answer["Location"]))
    assert "data-unfinished" not in shown
    assert "big" in shown and "What it got" in shown
    again = browser.post(answer["Location"], {"do": "rerun"})
    assert again["Location"] != answer["Location"]
    cancelled = text_of(browser.post(again["Location"], {"do": "cancel"}, follow=True))
    assert "The run is cancelled." in cancelled and "Retry from large" in cancelled


def test_an_approval_is_decided_by_those_who_may(studio: Studio, browser: Client):
    run = studio.run([{"key": "ask", "type": "wait", "config": {"signal": "go"}}])
    with tenant_scope(studio.tenant_id):
        step_run = StepRun.objects.get(run=run)
        approval = Approval.objects.create(
            run=run, step_run=step_run, question="Send it?", role=Role.EDITOR, shown_json={"to": "Ada"}
        )
    viewer = make_member(studio.tenant_id, Role.VIEWER).client
    address = page("workflows_approval_change", approval.pk)
    assert "You may not decide this" in text_of(viewer.get(address))
    viewer.post(address, {"do": "approve"})
    assert "Send it?" in text_of(browser.get(address))
    assert "Send it?" in text_of(browser.get(page("workflows_approval_changelist")))
    browser.post(address, {"do": "approve", "comment": "Fine"})
    with tenant_scope(studio.tenant_id):
        approval.refresh_from_db()
    assert (approval.state, approval.comment) == ("approved", "Fine")


def test_versions_show_their_differences_and_yaml_goes_round(
    studio: Studio, browser: Client, workflow: Workflow
):
    browser.post(page("workflows_steps", workflow.pk), {"do": "publish"})
    with tenant_scope(studio.tenant_id):
        WorkflowStep.objects.filter(workflow=workflow, key="big").update(config_json={"output": "'huge'"})
    shown = text_of(browser.get(page("workflows_versions", workflow.pk)))
    assert re.search(r"<ins>\+\s+output: &#x27;.*huge", shown)
    exported = browser.get(page("workflows_export", workflow.pk)).content.decode()
    renamed = exported.replace(str(workflow.name), "Another", 1)
    form = {"workspace": studio.workspace.pk, "yaml": renamed}
    added = browser.post(page("workflows_add_example"), form)
    other = UUID(added["Location"].split("/")[-3])
    again = browser.get(page("workflows_export", other)).content.decode()
    assert again == renamed


def test_viewers_read_and_do_not_change(studio: Studio, workflow: Workflow):
    viewer = make_member(studio.tenant_id, Role.VIEWER).client
    address = page("workflows_steps", workflow.pk)
    assert "Add a step" not in text_of(viewer.get(address))
    assert viewer.post(address, {"do": "publish"}).status_code == 403
    for name in ("workflows_start", "workflows_step_add"):
        assert viewer.get(page(name, workflow.pk), {"type": "end"}).status_code == 403
    assert viewer.get(page("workflows_trigger_changelist")).status_code == 403
    with tenant_scope(studio.tenant_id):
        assert not WorkflowRun.objects.filter(workflow=workflow).exists()


def test_pages_of_another_organisation_are_not_there(workflow: Workflow, stranger: Any):
    for name in ("workflows_steps", "workflows_versions", "workflows_export", "workflows_start"):
        assert stranger.client.get(page(name, workflow.pk)).status_code == 404


def add_page(workflow: Workflow, kind: str) -> str:
    return f"{page('workflows_trigger_add')}?workflow={workflow.pk}&kind={kind}"


def trigger_form(workflow: Workflow, kind: str, **config: Any) -> dict[str, Any]:
    own = {f"config_json-{name}": value for name, value in config.items()}
    return {"workflow": workflow.pk, "name": "Mine", "kind": kind, "is_enabled": "on", **own}


def test_a_trigger_begins_with_its_workflow_and_kind(studio: Studio, browser: Client):
    workflow = studio.published([{"key": "done", "type": "end"}])
    shown = text_of(browser.get(page("workflows_trigger_add")))
    assert str(workflow.name) in shown
    assert all(f'value="{kind}"' in shown for kind in TriggerKind)
    assert 'value="schedule"' in text_of(browser.get(add_page(workflow, "nonsense")))
    assert "config_json-cron" in text_of(browser.get(add_page(workflow, "schedule")))


def test_a_schedule_is_made_on_its_page(studio: Studio, browser: Client):
    workflow = studio.published([{"key": "done", "type": "end"}])
    form = trigger_form(workflow, "schedule", cron="0 8 * * 1", timezone="Europe/Berlin")
    address = add_page(workflow, "schedule")
    wrong = text_of(browser.post(address, {**form, "config_json-cron": "0 8 * *"}))
    assert "is not as cron writes it" in wrong
    assert "This field is required" in text_of(browser.post(address, {**form, "config_json-timezone": ""}))
    assert browser.post(address, form).status_code == 302
    with tenant_scope(studio.tenant_id):
        trigger = workflow.triggers.get()
    assert trigger.config_json == {"cron": "0 8 * * 1", "timezone": "Europe/Berlin"}
    assert trigger.next_at is not None
    shown = text_of(browser.get(page("workflows_trigger_change", trigger.pk)))
    assert len(re.findall(r"<li>Mon \d+ \w+ \d{4}, 08:00 CES?T</li>", shown)) == 5


def test_a_schedule_is_checked_as_one_types(studio: Studio, browser: Client):
    check = page("workflows_trigger_check", "schedule")
    form = {"config_json-cron": "0 8 * * 1", "config_json-timezone": "Europe/Berlin"}
    assert len(browser.post(check, form).json()["ticks"]) == 5
    found = browser.post(check, {**form, "config_json-timezone": "Mars/Phobos"}).json()
    assert found["ticks"] == []
    assert "time zone" in found["problems"][0]
    viewer = make_member(studio.tenant_id, Role.VIEWER).client
    assert viewer.post(check, form).status_code == 403


def test_the_secret_of_a_webhook_is_shown_once(studio: Studio, browser: Client):
    workflow = studio.published([{"key": "done", "type": "end"}])
    added = browser.post(
        add_page(workflow, "webhook"), trigger_form(workflow, "webhook", signed="true"), follow=True
    )
    with tenant_scope(studio.tenant_id):
        trigger = workflow.triggers.get()
    assert trigger.config_json == {"signed": True}
    secret, address = secret_of(trigger), address_of(trigger)
    assert secret in text_of(added)
    shown = text_of(browser.get(page("workflows_trigger_change", trigger.pk)))
    assert address in shown
    assert secret not in shown
    replace = f"/admin/workflows/trigger/{trigger.pk}/new-secret/"
    answer = browser.post(replace, {"_form_submitted": "True"}, headers={"HX-Request": "true"})
    replaced = browser.get(answer["HX-Redirect"])
    with tenant_scope(studio.tenant_id):
        trigger.refresh_from_db()
    assert trigger.secret_number == 1
    assert secret_of(trigger) in text_of(replaced)
    assert secret not in text_of(replaced)


def test_a_filter_keeps_what_is_not_there_any_more(studio: Studio, browser: Client):
    """Without it, the trigger would start runs for all documents."""
    workflow, gone = studio.published([{"key": "done", "type": "end"}]), str(uuid4())
    form = trigger_form(workflow, "document", events=["done", "tagged"], tags="urgent\nlate")
    assert browser.post(add_page(workflow, "document"), form).status_code == 302
    with tenant_scope(studio.tenant_id):
        trigger = workflow.triggers.get()
        assert trigger.config_json == {"events": ["done", "tagged"], "tags": ["urgent", "late"]}
        workflow.triggers.update(config_json={"events": ["done"], "references": [gone]})
    address = page("workflows_trigger_change", trigger.pk)
    assert f"{gone} (not there any more)" in text_of(browser.get(address))
    assert "This field is required" in text_of(browser.post(address, {"name": "Mine"}))
