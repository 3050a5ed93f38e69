"""The chat page in a real browser, against a real server and a scripted model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from conversations.models import Feedback
from conversations.services.feedback import give_feedback
from core.isolation.scope import tenant_scope
from knowledge.models import Document, KnowledgeBase
from oyl.disconnects import DisconnectMiddleware
from oyl.handler import Handler
from tests.conversations.conftest import Desk, with_model
from tests.support.axe import NARROW, WIDE, violations_of
from tests.support.chat_server import ChatServer, says
from tests.support.model_server import running
from tests.support.server import running_server

CHROMIUM = shutil.which("chromium")
# The first search loads models, and machines are busy.
expect.set_options(timeout=60_000)
QUESTION = "How do honey bees tell where flowers are?"
SAID = "Honey bees **dance** to tell their sisters where the flowers are [1]."
# Slow enough for a person, or a test, to do something meanwhile.
SLOW = says(f"{'Well, ' * 60}{SAID}", pause=0.2)


@pytest.fixture(scope="module")
def model() -> Iterator[ChatServer]:
    with running(ChatServer()) as server:
        yield server


@pytest.fixture(scope="module")
def address(model: ChatServer, database: None) -> Iterator[str]:
    """Of a web process that may call the model. A new handler looks for the static files when it starts."""
    call_command("collectstatic", interactive=False, verbosity=0)
    with (
        override_settings(OUTBOUND_ALLOW=[f"127.0.0.1:{model.server_port}"]),
        running_server(lambda application: DisconnectMiddleware(Handler())) as address,
    ):
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as driver:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the driver runs an event loop in this thread
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
        connections.close_all()  # beside an event loop, Django has further ones


@pytest.fixture
def server(model: ChatServer) -> ChatServer:
    model.script.clear()
    model.requests.clear()
    model.otherwise = says("Hello.")
    return model


@pytest.fixture
def context(desk: Desk, server: ChatServer, address: str, browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which the owner is signed in, and whose assistant has a model."""
    with_model(desk, server)
    name = django_settings.SESSION_COOKIE_NAME
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": name, "value": desk.person.client.cookies[name].value, "url": address}])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """The page, which has logged neither an error nor a violation of its policy."""
    page, problems = context.new_page(), list[str]()
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto("/admin/chat/")
    yield page
    assert problems == []


def ask(page: Page, question: str = QUESTION) -> None:
    page.get_by_label("Question", exact=True).last.fill(question)
    page.keyboard.press("Enter")


def answer(page: Page) -> Locator:
    return page.locator(".oyl-message--assistant").last


def test_ask_and_follow_a_citation_to_its_document(page: Page, server: ChatServer):
    server.script.append(says(SAID, pause=0.05))
    page.keyboard.type(QUESTION)  # the field has the focus
    page.keyboard.press("Enter")
    source = answer(page).locator(".oyl-source")
    expect(source).to_contain_text("bees.md")
    expect(answer(page).locator("strong").first).to_have_text("dance")
    expect(page.get_by_role("status")).to_contain_text("dance")
    answer(page).locator("a.oyl-cite").click()
    assert page.evaluate("document.querySelector('.oyl-source:target') !== null")
    expect(page.get_by_label("Question", exact=True).last).to_be_visible()
    source.get_by_role("link", name="bees.md").click()
    expect(page.locator("mark#passage")).to_contain_text("dance")


def test_stop_keeps_the_text_so_far(page: Page, server: ChatServer):
    server.script.append(SLOW)
    ask(page)
    expect(answer(page)).to_contain_text("Well, Well,")
    page.keyboard.press("Escape")
    expect(answer(page)).to_contain_text("The answer was stopped.")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_hidden()
    expect(answer(page)).to_contain_text("Well,")


def test_a_refused_question_can_be_sent_again(context: BrowserContext, desk: Desk):
    page = context.new_page()
    page.goto("/admin/chat/")
    with tenant_scope(desk.person.tenant_id):
        desk.assistant.is_suspended = True
        desk.assistant.save()
    ask(page)
    expect(page.get_by_role("alert")).to_contain_text("suspended")
    expect(page.get_by_label("Question", exact=True).last).to_have_value(QUESTION)


def test_reload_in_the_middle_goes_on(page: Page, server: ChatServer):
    server.script.append(SLOW)
    ask(page)
    expect(answer(page)).to_contain_text("Well, Well,")
    page.reload()
    expect(answer(page)).to_contain_text("Answering …")
    expect(answer(page).locator(".oyl-source")).to_contain_text("bees.md")
    assert answer(page).inner_text().count("Well,") == 60
    assert len(server.requests) == 1


def test_edit_and_answer_again_make_branches(page: Page, server: ChatServer):
    ask(page)
    expect(answer(page)).to_contain_text("Hello.")
    page.get_by_role("button", name="Answer again").click()
    expect(answer(page).get_by_label("Branches")).to_contain_text("2/2")
    page.get_by_role("button", name="Edit").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("Which river?")
    page.keyboard.press("Enter")
    question = page.locator(".oyl-message--user").last
    expect(question.get_by_label("Branches")).to_contain_text("2/2")
    question.get_by_label("Previous branch").click()
    expect(page.locator(".oyl-message--user").last).to_contain_text(QUESTION)
    assert len(server.requests) >= 3


def test_feedback_rename_share_and_delete(page: Page, server: ChatServer):
    server.script.append(says(SAID))
    ask(page)
    page.get_by_role("button", name="Bad answer").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").select_option("incomplete")
    dialog.get_by_label("Comment").fill("Too short.")
    dialog.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Good source").click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Good source")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Rename").click()
    dialog.get_by_label("Title").fill("About bees")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="About bees")).to_be_visible()
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text("shared with the organisation")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Markdown").click()
    assert download.value.suggested_filename == "about-bees.md"
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_a_temporary_conversation_remembers_only_in_the_page(page: Page, server: ChatServer):
    rewritten = says("How do honey bees dance?")  # with the turns before, which only the page has
    server.script.extend([says(SAID), rewritten, says("As said, they dance [1].")])
    page.get_by_label("Keep nothing").check()
    page.get_by_role("button", name="Begin").click()
    ask(page)
    expect(answer(page).locator(".oyl-source")).to_contain_text("bees.md")
    ask(page, "And once more?")
    expect(answer(page)).to_contain_text("As said")
    page.goto("/admin/chat/")
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_a_draft_is_tried_beside_its_text(desk: Desk, context: BrowserContext, server: ChatServer):
    page = context.new_page()
    page.goto(reverse("admin:instructions", args=[desk.assistant.pk]))
    page.get_by_label("Instruction", exact=True).fill("Speak as a beekeeper.")
    server.script.append(says(SAID))
    ask(page)
    expect(answer(page).locator(".oyl-source")).to_contain_text("bees.md")
    assert "Speak as a beekeeper." in server.requests[-1]["messages"][0]["content"]
    expect(page.get_by_label("Instruction", exact=True)).to_have_value("Speak as a beekeeper.")


def test_a_knowledge_base_is_searched_asked_and_filled_on_its_page(
    desk: Desk, context: BrowserContext, server: ChatServer
):
    page = context.new_page()
    with tenant_scope(desk.person.tenant_id):
        base = KnowledgeBase.objects.get()
    page.goto(reverse("admin:open_knowledge_base", args=[base.pk]))
    server.script.append(says(SAID))
    ask(page)
    expect(answer(page).locator(".oyl-source")).to_contain_text("bees.md")
    page.get_by_label("Search", exact=True).fill("honey bees dance")
    page.keyboard.press("Enter")
    expect(page.locator("#found").get_by_role("link", name="bees.md")).to_be_visible()
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["Zebras graze."], "zebras.txt"));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    page.locator("[data-upload] [type=submit]").click()
    expect(page.get_by_role("link", name="Added")).to_be_visible()
    with tenant_scope(desk.person.tenant_id):
        assert Document.objects.filter(reference__knowledge_base=base, filename="zebras.txt").exists()


def test_two_answer_side_by_side(page: Page, server: ChatServer):
    page.get_by_label("Compare with").select_option(index=1)
    page.get_by_role("button", name="Begin").click()
    server.otherwise = says(SAID)
    ask(page)
    expect(page.locator(".oyl-source")).to_have_count(2)
    assert page.url.count("conversation:") == 2


def test_what_a_model_writes_is_never_run_or_loaded(page: Page, server: ChatServer):
    hostile = (
        '<img src=x onerror="document.title=1"> ![pixel](https://evil.example/p.png) '
        "[click](https://evil.example/) [run](javascript:alert(1)) <script>document.title=1</script> [1]"
    )
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    server.script.append(says(hostile))
    ask(page)
    expect(answer(page)).to_contain_text("onerror")
    assert answer(page).locator("img, script, .oyl-prose a:not(.oyl-cite)").count() == 0
    assert not any("evil" in url for url in requests) and page.title() != "1"


def test_narrow_page_does_not_scroll_sideways(page: Page, server: ChatServer):
    page.set_viewport_size({"width": 375, "height": 800})
    server.script.append(says(f"{SAID} {'|'.join(['flowers'] * 30)}"))
    ask(page)
    expect(answer(page).locator(".oyl-source")).to_contain_text("bees.md")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    chat = page.url
    page.goto(answer(page).get_by_role("link", name="Trace").get_attribute("href") or "")
    expect(page.get_by_text("Time line")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.goto(chat)
    page.get_by_text("Conversations", exact=True).locator("visible=true").first.click()


def test_an_answer_its_trace_and_its_feedback_have_no_violation(page: Page, desk: Desk):
    reply = desk.reply()
    give_feedback(actor=desk.person.actor, message=reply.message_id, rating="down", comment="Why?")
    with tenant_scope(desk.person.tenant_id):
        feedback = Feedback.objects.get(message=reply.message_id)
    pages = [
        f"{reverse('admin:chat')}?pane=conversation:{reply.conversation_id}",
        reverse("admin:conversations_trace_change", args=[reply.trace_id]),
        reverse("admin:conversations_feedback_change", args=[feedback.pk]),
    ]
    assert not violations_of(page, pages, (WIDE, NARROW))
