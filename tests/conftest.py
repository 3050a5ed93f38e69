"""The suite runs against real services, as the application's database role, and commits: nothing is rolled back or
flushed, and every test creates its own tenants."""

from __future__ import annotations

import tests.environment  # noqa: F401  (before all else)

# isort: split
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import hypothesis
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client, RequestFactory, override_settings
from pytest_django.plugin import DjangoDbBlocker

import oyl.urls  # noqa: F401  (registers the pages of the admin)
from core.actors import Actor, ActorKind
from core.isolation.scope import VARIABLE, tenant_scope
from core.permissions import Role
from core.sessions import PASSWORD_ENTERED
from knowledge.engine_config import file_parser
from oyl.embedded import background
from oyl.embedded.services import ensure_services
from tenants.access import hash_secret, pending_invitation
from tenants.models import Membership, User
from tenants.services.invitations import Answer, accept_invitation
from tenants.services.organisations import create_tenant
from tests.environment import KEPT

# Fixtures for the tests of every app.
pytest_plugins = ["tests.support.admin_rows", "tests.support.api_client"]
PASSWORD = "correct horse battery staple"
# When people of the tests have entered it; long runs of the harnesses keep them.
JUST_NOW = int(time.time()) + 86_400


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="run the harnesses of tests/proof at their full size"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Without --long, Hypothesis tries the same examples each time, however slow the machine is: a change must not fail for
    what it did not touch."""
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("fixed", derandomize=True, database=None, suppress_health_check=slow)
    if not config.getoption("long"):
        hypothesis.settings.load_profile("fixed")


@pytest.fixture(scope="session")
def database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The services, and a new database, created by the owner role and used as the application's role."""
    quick = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
    if KEPT and settings.EMBEDDED:
        background.start(settings.LAYOUT)
    with django_db_blocker.unblock(), quick, ensure_services(), _test_database():
        yield
        _wait_for_answers()
        file_parser().close()


def _wait_for_answers() -> None:
    """Threads that still write answers use the database."""
    for thread in threading.enumerate():
        if thread.name in ("answer", "saver", "teller"):
            thread.join(timeout=30)


@contextmanager
def _test_database() -> Iterator[None]:
    """A copy of a migrated database, which takes PostgreSQL a moment. The first process migrates it for all others, and
    with KEPT it stays for the next run."""
    owner, application, suffix = connections["owner"], connections["default"], str(os.getpid())
    original = owner.settings_dict["NAME"]
    owner.settings_dict["TEST"]["NAME"] = f"test_oyl_{_digest_of_migrations()}"
    with Path(os.environ["OYL_DATA_DIR"], "databases.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        migrated = owner.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=True)
        owner.creation.clone_test_db(suffix, verbosity=0)
    owner.settings_dict["NAME"] = owner.creation.get_test_db_clone_settings(suffix)["NAME"]
    with owner.cursor() as cursor:  # a copy has the privileges of a new database
        cursor.execute(f'REVOKE TEMPORARY ON DATABASE "{owner.settings_dict["NAME"]}" FROM PUBLIC')
        # No test kills this server, so that commits need not wait for the disk.
        cursor.execute(f'ALTER DATABASE "{owner.settings_dict["NAME"]}" SET synchronous_commit = off')
    application.settings_dict["NAME"] = owner.settings_dict["NAME"]
    try:
        yield
    finally:
        application.close()
        application.close_pool()  # type: ignore[attr-defined]
        owner.settings_dict["NAME"] = migrated
        owner.creation.destroy_test_db(original, verbosity=0, suffix=suffix)


def _digest_of_migrations() -> str:
    """The name of a kept database depends on the migrations, so that a changed migration creates a new one."""
    paths = sorted(Path(settings.BASE_DIR).glob("*/migrations/*.py"))
    installed = repr(settings.INSTALLED_APPS).encode()
    return hashlib.sha256(b"".join([installed, *(path.read_bytes() for path in paths)])).hexdigest()[:16]


@pytest.fixture(scope="session")
def django_db_setup(database: None) -> None:
    """Fixtures of pytest-django use this database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user in a tenant."""

    user: User
    tenant_id: UUID
    actor: Actor
    password: str

    @property
    def client(self) -> Client:
        """A new client that is signed in as the person."""
        return browser(self.user)


def browser(user: User) -> Client:
    """A new client that is signed in as the user."""
    return sign_in(Client(), user)


def sign_in(client: Client, user: User, password_entered_at: int = JUST_NOW) -> Client:
    client.force_login(user)
    session = client.session
    session[PASSWORD_ENTERED] = password_entered_at
    session.save()
    return client


def _join(tenant_id: UUID, user: User, role: Role, password: str) -> Person:
    actor = Actor(
        kind=ActorKind.USER,
        tenant_id=tenant_id,
        role=role,
        credential="session",
        user_id=user.pk,
        password_entered_at=JUST_NOW,
    )
    return Person(user=user, tenant_id=tenant_id, actor=actor, password=password)


def make_owner() -> Person:
    """The owner of a new tenant."""
    name = uuid4().hex[:12]
    made = create_tenant(name=f"Tenant {name}", admin_email=f"owner-{name}@example.org")
    return _join(made.tenant_id, accept(made.link), Role.OWNER, PASSWORD)


def accept(link: str, **answer: str) -> User:
    """Accept the invitation of a link as a new user would; with `answer`, as others would."""
    invitation = pending_invitation(hash_secret(link.rstrip("/").rpartition("/")[2]))
    assert invitation
    return accept_invitation(
        invitation=invitation,
        answer=Answer(**{"new_password": PASSWORD, "name": "Ada", **answer}),
        request=RequestFactory().post("/"),
    )


def make_member(tenant_id: UUID, role: Role) -> Person:
    """A further member of a tenant."""
    with tenant_scope(tenant_id):
        user = User.objects.create_user(f"{role}-{uuid4().hex[:12]}@example.org", PASSWORD)
        Membership.objects.create(user=user, role=role)
    return _join(tenant_id, user, role, PASSWORD)


@pytest.fixture
def owner(database: None) -> Person:
    return make_owner()


@pytest.fixture
def tenant(owner: Person) -> UUID:
    """The owner's tenant's id."""
    return owner.tenant_id


@pytest.fixture
def colleague(owner: Person) -> Person:
    """An editor in the owner's tenant."""
    return make_member(owner.tenant_id, Role.EDITOR)


@pytest.fixture
def viewer(owner: Person) -> Person:
    """A viewer in the owner's tenant."""
    return make_member(owner.tenant_id, Role.VIEWER)


@pytest.fixture
def stranger(database: None) -> Person:
    """The owner of another tenant."""
    return make_owner()


def make_operator() -> User:
    """Made by the tables' owner, as by the command `createsuperuser`."""
    email = f"operator-{uuid4().hex[:12]}@example.org"
    User.objects.db_manager("owner").create_superuser(email, "correct horse battery staple")
    return User.objects.get(email=email)


@pytest.fixture
def operator(database: None) -> User:
    return make_operator()


@pytest.fixture
def table_owner(database: None) -> Callable[[UUID], AbstractContextManager[CursorWrapper]]:
    """`with table_owner(tenant_id) as cursor:` is a transaction of the tables' owner in the tenant."""

    @contextmanager
    def transaction_of(tenant_id: UUID) -> Iterator[CursorWrapper]:
        with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [VARIABLE, str(tenant_id)])
            yield cursor

    return transaction_of
