"""The console in Debian's Chromium, against a real server: apt install chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from oyl.handler import Handler
from tests.conftest import Person
from tests.support.server import running_server

CHROMIUM = shutil.which("chromium")
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]
expect.set_options(timeout=30_000)  # machines are busy


@pytest.fixture(scope="package")
def address(database: None) -> Iterator[str]:
    """A new handler looks for the static files when it starts."""
    call_command("collectstatic", interactive=False, verbosity=0)
    with running_server(lambda application: Handler()) as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as driver:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the driver runs an event loop in this thread
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
        connections.close_all()  # beside an event loop, Django has further ones


@pytest.fixture
def context(owner: Person, address: str, browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which the owner is signed in."""
    name = settings.SESSION_COOKIE_NAME
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": name, "value": owner.client.cookies[name].value, "url": address}])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page, which has logged neither an error of a script nor a violation of its policy."""
    page, problems = context.new_page(), list[str]()
    page.set_default_timeout(60_000)
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert [text for text in problems if "status of 4" not in text] == []
