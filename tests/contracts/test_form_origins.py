"""Every form of a page can be sent by a browser: its page lets the browser name the page's origin, which Django checks.

With the policy "no-referrer" browsers send `Origin: null`, and each form is refused. Clients of tests send no `Origin`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from tenants.models import User
from tenants.services.users import make_link_token, password_link
from tests.conftest import Person, make_operator, make_owner, sign_in
from tests.proof.isolation.routes import Route, routes
from tests.support.admin_pages import OPERATORS_ONLY
from tests.support.admin_rows import Rows, make_rows
from tests.tenants.links import link_for
from workspaces.models import Workspace

ORIGIN = "http://testserver"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
# A policy of the page itself would overrule the header.
META = re.compile(r"""<meta[^>]*name=["']referrer["']""", re.I)
REFUSED = "Nothing was saved"
LAST = ("leave-tenant", "logout")  # they end what the other forms need


def is_page(route: Route) -> bool:
    """Not of the API; and of the models one, because their pages have the same forms."""
    if hasattr(route.view, "cls") or "content_type_id" in route.parameters:
        return False
    return route.model in (None, Workspace, *OPERATORS_ONLY)


PAGES = [route for route in routes() if is_page(route)]


@pytest.fixture(scope="module")
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture(scope="module")
def rows(owner: Person) -> Rows:
    return make_rows(owner)


@pytest.fixture(scope="module")
def operator(database: None) -> User:
    return make_operator()


def strict(user: User | None = None) -> Client:
    client = Client(enforce_csrf_checks=True)
    return sign_in(client, user) if user else client


def origin_sent(page: Any) -> str:
    """The `Origin` of a form that is sent from the page to its own server (Fetch, "append a request `Origin` header")."""
    assert not META.search(page.content.decode())
    return "null" if page["Referrer-Policy"] == "no-referrer" else ORIGIN


class Forms(HTMLParser):
    """The `action` of each form that is posted."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form" and str(attributes.get("method")).lower() == "post":
            self.actions.append(attributes.get("action") or "")


def forms_of(page: Any) -> set[str]:
    """The paths to which the page sends forms."""
    parser = Forms()
    parser.feed(page.content.decode())
    return {urljoin(page.request["PATH_INFO"], action) for action in parser.actions}


def refused_forms(client: Client, page: Any, known: Set[str] = frozenset()) -> tuple[set[str], list[str]]:
    """Send each form of the page, other than known ones, as a browser does. Return the paths, and those that the CSRF
    protection refused."""
    if page.streaming or not page.get("Content-Type", "").startswith("text/html"):
        return set(), []
    paths = forms_of(page)
    token, origin = TOKEN.search(page.content.decode()), origin_sent(page)
    data = {"csrfmiddlewaretoken": token[1]} if token else {}
    last_ones = sorted(paths - known, key=lambda path: any(one in path for one in LAST))
    sent = {path: client.post(path, data, headers={"Origin": origin}) for path in last_ones}
    return paths, [path for path, answer in sent.items() if REFUSED in answer.content.decode()]


def visitors(owner: Person, operator: User) -> dict[str, Callable[[], Client]]:
    def visiting() -> Client:
        client = sign_in(Client(), operator)
        client.post(reverse("admin:enter_tenant"), {"tenant": str(owner.tenant_id), "reason": "Ticket 12"})
        client.handler.enforce_csrf_checks = True
        return client

    return {
        "nobody": strict,
        "member": lambda: strict(owner.user),
        "operator": lambda: strict(operator),
        "visitor": visiting,
    }


def test_forms_of_every_page_are_accepted(owner: Person, operator: User, rows: Rows):
    found: set[str] = set()
    for kind, make_client in visitors(owner, operator).items():
        client, known = make_client(), set[str]()
        pages = PAGES
        if (
            kind == "visitor"
        ):  # has the pages of members, and a form to leave, after which the others are outdated
            pages, known = [route for route in PAGES if route.template == "admin/"], {reverse("admin:logout")}
        for route in pages:
            pk = rows[route.model].pk if route.model in rows else operator.pk
            page = client.get(route.address(route.model, pk))
            paths, refused = refused_forms(client, page, known)
            assert refused == [], (route.template, page["Referrer-Policy"])
            assert not paths or origin_sent(page) == ORIGIN, route.template
            if any(one in path for path in paths - known for one in LAST):
                client = make_client()
            known |= paths
        found |= {urlsplit(path).path for path in known}
    names = ("login", "logout", "enter_tenant", "leave_tenant", "confirm_password", "password_change")
    assert {reverse(f"admin:{name}") for name in names} <= found
    assert {reverse(f"admin:workspaces_workspace_{page}") for page in ("add", "changelist")} <= found


@pytest.mark.parametrize("kind", ["invitation", "password"])
def test_forms_behind_links_are_accepted(kind: str, owner: Person):
    token = make_link_token(owner.user)
    link = link_for(owner, "new@example.org") if kind == "invitation" else password_link(owner.user, token)
    client = strict()
    page = client.get(link, follow=True)
    assert page.status_code == 200
    assert refused_forms(client, page) == ({page.request["PATH_INFO"]}, [])


def test_form_is_refused_without_an_origin_of_ours(owner: Person):
    """So the tests above can fail."""
    client = strict(owner.user)
    page = client.get(reverse("admin:workspaces_workspace_add"))
    page["Referrer-Policy"] = "no-referrer"
    paths, refused = refused_forms(client, page)
    assert paths and set(refused) == paths
