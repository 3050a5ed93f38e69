"""The documentation is correct: settings, commands, links, paths."""

from __future__ import annotations

import ast
import re
from argparse import Action
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from core.isolation.check import lookup_functions
from tests.contracts.settings_source import defaults, variables

ROOT: Path = settings.BASE_DIR
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
OWN = {app.name for app in apps.get_app_configs() if Path(app.path).parent == ROOT}
COMMANDS = {name: app for name, app in get_commands().items() if app in OWN}
LINK = re.compile(r"\]\(([^)\s]+)\)")


def rows(page: str) -> dict[str, str]:
    """Return {first cell: row} of the page's table rows whose first cell is code."""
    found = re.findall(r"^(\| `(\w+)` \|.*)$", (DOCS / page).read_text(), re.M)
    return {name: row for row, name in found}


def sections(page: str) -> dict[str, str]:
    """Return {heading: text} of the sections whose heading is code."""
    parts = re.split(r"^### `(\w+)`$", (DOCS / page).read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_is_documented_and_no_other():
    assert set(rows("settings.md")) == variables()


def test_documented_defaults_are_correct():
    given = rows("settings.md")
    assert {name: value for name, value in defaults().items() if f"`{value}`" not in given[name]} == {}


def test_every_command_is_documented_and_no_other():
    assert set(sections("commands.md")) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_section_lists_exactly_its_options(name):
    section = sections("commands.md")[name]
    own = {max(action.option_strings, key=len) for action in options(name) if action.option_strings}
    documented = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", usage(section)))
    assert documented == own
    words = [words_of(action) for action in options(name) if not action.option_strings]
    assert [word for some in words for word in some if word not in usage(section)] == []


def usage(section: str) -> str:
    """Return the section's first code block."""
    return section.split("```")[1]


def words_of(positional: Action) -> list[str]:
    return list(positional.choices or [str(positional.metavar or positional.dest.upper())])


def options(name: str) -> list[Action]:
    """Return the options that the command does not inherit from Django."""
    command = load_command_class(COMMANDS[name], name)
    inherited = next(base for base in type(command).__mro__ if base.__module__.startswith("django."))
    assert issubclass(inherited, BaseCommand)
    parser, before = command.create_parser("", name), inherited().create_parser("", name)
    known = {action.dest for action in before._actions}
    return [action for action in parser._actions if action.dest not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_have_targets(page):
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Return the anchors that code hosts generate for the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            links = [link.partition("#")[0] for link in LINK.findall(page.read_text())]
            waiting += [page.parent / link for link in links if link and "://" not in link]
    assert {page.resolve() for page in PAGES} == reached


def test_source_files_that_the_documentation_names_exist():
    for page in PAGES:
        if "*Superseded" in page.read_text():
            continue  # its paths are historical
        for name in re.findall(r"`([a-z_]+/[\w/]+\.(?:py|sql))`", page.read_text()):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_lookup_functions_are_documented():
    made = {function.partition("(")[0] for function in lookup_functions()}
    assert set(re.findall(r"^\| `(oyl_\w+)\(", (DOCS / "tenancy.md").read_text(), re.M)) == made


def test_make_targets_that_the_documentation_names_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = {
        *re.findall(r"^(\w+):", makefile, re.M),
        *makefile.partition("HARNESSES := ")[2].split("\n")[0].split(),
    }
    named = {name for page in PAGES for name in re.findall(r"(?:`|^)make (\w+)", page.read_text(), re.M)}
    assert named
    assert named <= targets


def test_settings_are_read_in_one_place():
    """A variable that is read elsewhere would be an undocumented setting."""
    allowed = {"DJANGO_SETTINGS_MODULE", "PATH"}
    for app in OWN:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv"):
                    assert ast.literal_eval(node.args[0]) in allowed, path
