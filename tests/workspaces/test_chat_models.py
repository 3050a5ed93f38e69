"""From an integration, as people enter it, to the chat model of an assistant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from engines.chat import ChatError, ChatRequest, Message, Role, TokenUsage
from tests.conftest import Person
from tests.support.admin_pages import url
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.chat_server import ChatServer, fails
from tests.support.model_server import running
from workspaces.chat_models import chat_model_named
from workspaces.models import IntegrationConfig, Workspace
from workspaces.prices import Price, price_of

KEY = "sk-very-secret"
QUESTION = ChatRequest(messages=[Message(role=Role.USER, text="How are you?")])


@pytest.fixture
def workspace(owner: Person) -> Workspace:
    with tenant_scope(owner.tenant_id):
        made: Workspace = Workspace.objects.create(name="Main")
    return made


@pytest.fixture
def server(settings: Any) -> Iterator[ChatServer]:
    with running(ChatServer()) as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_port}"]
        yield server


def add(caller: Caller, workspace: Workspace, config: Any) -> Any:
    form = {
        "workspace": str(workspace.pk),
        "name": f"Model {uuid4()}",
        "type_enum": "chat_model",
        "config": config,
    }
    return caller.post("integration-configs/", form)


def test_model_of_an_integration_answers(
    owner: Person, caller: Caller, workspace: Workspace, server: ChatServer
):
    config = {"url": f"{server.url}/", "api_key": KEY, "model": "scripted", "headers": {"X-Team": "blue"}}
    added = add(caller, workspace, config).json()
    assert KEY not in str(added)
    with tenant_scope(owner.tenant_id):
        model = chat_model_named(UUID(added["id"]))
        other = chat_model_named(UUID(added["id"]), "other")
        assert chat_model_named(None) is None
    assert model and other
    assert model.complete(owner.tenant_id, QUESTION).text == "Hello."
    assert other.complete(owner.tenant_id, QUESTION).model == "other"
    assert [request["model"] for request in server.requests] == ["scripted", "other"]
    assert (server.headers[0]["authorization"], server.headers[0]["x-team"]) == (f"Bearer {KEY}", "blue")


def test_another_tenants_integration_is_as_one_that_is_gone(
    owner: Person, stranger: Person, caller: Caller, workspace: Workspace
):
    added = add(caller, workspace, {"url": "https://example.org/v1", "model": "large"}).json()
    with tenant_scope(stranger.tenant_id), pytest.raises(ChatError) as of_a_stranger:
        chat_model_named(UUID(added["id"]))
    caller("delete", f"integration-configs/{added['id']}/")
    with tenant_scope(owner.tenant_id), pytest.raises(ChatError) as deleted:
        chat_model_named(UUID(added["id"]))
    assert of_a_stranger.value.detail == deleted.value.detail
    assert deleted.value.code == "chat_not_configured"


def test_private_address_is_not_called(owner: Person, caller: Caller, workspace: Workspace):
    with running(ChatServer()) as internal:
        added = add(caller, workspace, {"url": internal.url, "model": "scripted"}).json()
        with tenant_scope(owner.tenant_id):
            model = chat_model_named(UUID(added["id"]))
        assert model
        with pytest.raises(ChatError, match="OUTBOUND_ALLOW"):
            model.complete(owner.tenant_id, QUESTION)
        assert internal.requests == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"url": "https://example.org/v1"}, "lacks 'model'"),
        (
            {"url": "ftp://example.org", "model": "large"},
            "'url' must be an address as https://api.openai.com/v1",
        ),
        ({"url": "https://me:pw@example.org", "model": "large"}, "'url' must be an address"),
        ({"url": "https://example.org", "model": "large", "key": KEY}, "Unknown key 'key'. Do you mean"),
        ({"url": "https://example.org", "model": "large", "api_key": [KEY]}, "'api_key' must be a text"),
        (
            {"url": "https://example.org", "model": "large", "headers": {"X-A": [KEY]}},
            "'headers.X-A' must be",
        ),
        (
            {"url": "https://example.org", "model": "large", "headers": {"X A": KEY}},
            "'headers' must be a name",
        ),
        (
            {"url": "https://example.org", "model": "large", "context_tokens": 1},
            "from 512 to 10000000, not 1",
        ),
        (KEY, "must be a JSON object"),
    ],
)
def test_configuration_is_checked_when_it_is_saved(
    owner: Person, caller: Caller, workspace: Workspace, config: Any, message: str
):
    """By REST and in the admin, with the path of what is wrong, and without the secrets in it."""
    problem = assert_problem(add(caller, workspace, config), 422, "invalid")
    detail = problem["errors"][0]["detail"]
    assert message in detail
    assert KEY not in detail and "pw" not in detail
    form = {"workspace": workspace.pk, "name": "Model", "type_enum": "chat_model"}
    page = owner.client.post(
        url(IntegrationConfig, "add"), {**form, "config_encrypted_json": str(config).replace("'", '"')}
    )
    assert page.status_code == 200


def test_connection_is_tested_by_rest_and_in_the_admin(
    owner: Person, stranger: Person, caller: Caller, workspace: Workspace, server: ChatServer
):
    pk = add(caller, workspace, {"url": server.url, "api_key": KEY, "model": "scripted"}).json()["id"]
    tested = caller.post(f"integration-configs/{pk}/test/", {}).json()
    assert (tested["ok"], tested["code"]) == (True, "")
    assert "'scripted' has answered" in tested["detail"]
    assert caller.get(f"integration-configs/{pk}/models/").json() == {"models": ["scripted", "other"]}
    assert "has answered" in _page(owner, pk, "test")
    assert "The endpoint has: scripted, other." in _page(owner, pk, "models")
    server.otherwise = fails(401, f"Not with {KEY}")
    failed = caller.post(f"integration-configs/{pk}/test/", {}).json()
    assert (failed["ok"], failed["code"]) == (False, "chat_wrong_key")
    assert "Enter a valid key" in _page(owner, pk, "test")
    assert KEY not in _page(owner, pk, "test") + str(failed)
    with tenant_scope(owner.tenant_id):
        codes = {
            event.payload_json["code"]
            for event in AuditLog.objects.filter(action="integration_config.tested")
        }
    assert codes == {"", "chat_wrong_key"}
    assert make_caller(stranger).post(f"integration-configs/{pk}/test/", {}).status_code == 404
    assert (
        stranger.client.get(url(IntegrationConfig, "change", pk).replace("/change/", "/test/")).status_code
        == 404
    )


def test_list_of_models_that_cannot_be_had_says_why(caller: Caller, workspace: Workspace):
    with running(ChatServer()) as internal:
        pk = add(caller, workspace, {"url": internal.url, "model": "scripted"}).json()["id"]
        problem = assert_problem(caller.get(f"integration-configs/{pk}/models/"), 422, "integration_failed")
    assert "OUTBOUND_ALLOW" in problem["detail"]


def test_prices_hold_from_their_day_on(owner: Person, stranger: Person, caller: Caller):
    for day, prompt in (("2026-01-01", "2.5"), ("2026-06-01", "1.25")):
        form = {
            "model": "large",
            "valid_from": day,
            "prompt_price": prompt,
            "completion_price": "10",
            "currency": "EUR",
        }
        assert caller.post("model-prices/", form).status_code == 201
    usage = TokenUsage(prompt_tokens=1000, completion_tokens=200)

    def price(person: Person, model: str, day: datetime) -> Price | None:
        with tenant_scope(person.tenant_id):
            return price_of(model, usage, day)

    spring, summer = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    assert price(owner, "large", spring) == Price(amount=Decimal("0.0045"), currency="EUR")
    assert price(owner, "large", summer) == Price(amount=Decimal("0.00325"), currency="EUR")
    assert price(owner, "large", datetime(2025, 12, 31, tzinfo=UTC)) is None
    assert price(owner, "small", summer) is None
    assert price(stranger, "large", summer) is None
    wrong = {
        "model": "x",
        "valid_from": "2026-01-01",
        "prompt_price": "-1",
        "completion_price": "1",
        "currency": "eur",
    }
    problem = assert_problem(caller.post("model-prices/", wrong), 422, "invalid")
    assert {error["field"] for error in problem["errors"]} == {"prompt_price", "currency"}


def _page(owner: Person, pk: str, action: str) -> str:
    address = url(IntegrationConfig, "change", pk).replace("/change/", f"/{action}/")
    return str(owner.client.get(address, follow=True).content.decode())
