"""What the application's role may not do, in SQL as an injected statement would send it."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import ProgrammingError, connection, connections, transaction
from django.test import Client

from core.actors import ActorKind, PlatformActor
from core.apps import Privileges
from core.database_functions import call_function
from core.isolation import check, pg_catalog
from core.tasks import delete_expired_sessions
from tenants import passwords
from tenants.models import User
from tenants.services.sign_ins import change_password
from tests.conftest import Person
from tests.support.passwords import authenticate

PRIVILEGES = check.privileges()
CLOSED = sorted(table for table, allowed in PRIVILEGES.items() if not allowed.select)
LASTING = sorted(table for table, allowed in PRIVILEGES.items() if allowed.select and not allowed.delete)
# Another value of each type of a column.
OTHER_VALUES = {
    "uuid": "gen_random_uuid()",
    "character varying": "'x' || {column}",
    "boolean": "NOT {column}",
    "timestamp with time zone": "clock_timestamp()",
}
REFUSED = ("permission denied", "must be owner", "only the owner", 'column "password" does not exist')
SWAP = """
DO $$ DECLARE own uuid := '{own}'; operator uuid := '{operator}'; other uuid := gen_random_uuid();
BEGIN
    UPDATE users SET id = other WHERE id = operator;
    UPDATE users SET id = operator WHERE id = own;
    UPDATE users SET id = own WHERE id = other;
END $$
"""
OTHERS = [
    "UPDATE users SET is_superuser = true",
    "INSERT INTO users (id, email, name, is_active, is_superuser, created_at)"
    " VALUES (gen_random_uuid(), 'new@example.org', '', true, true, now())",
    "SELECT password FROM users",
    "CREATE TEMP TABLE anything (id int)",
    "CREATE TABLE anything (id int)",
    "CREATE SCHEMA anything",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'anything')",
    "SELECT lo_put(1, 0, 'anything')",
    "ALTER TABLE users DISABLE TRIGGER operators",
    "SET session_replication_role = replica",
    "SET ROLE oyl_lookup",
]


def outcome(sql: str) -> str:
    """The refusal, or the number of rows; rolled back."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
            transaction.set_rollback(True)
            return str(cursor.rowcount)
    except ProgrammingError as error:
        return str(error)


@pytest.mark.parametrize("table", CLOSED)
@pytest.mark.parametrize(
    "sql", ["SELECT FROM {}", "DELETE FROM {}", "UPDATE {} SET {} = {}", "INSERT INTO {} DEFAULT VALUES"]
)
def test_closed_tables_are_reached_by_functions_only(owner: Person, table: str, sql: str):
    others = {
        "django_session": "session_key",
        "account_emailconfirmation": "email_address_id",
        "socialaccount_socialapp": "client_id",
        "socialaccount_socialtoken": "account_id",
    }
    column = others.get(table, "user_id")
    assert "permission denied" in outcome(sql.format(table, column, column))


@pytest.mark.parametrize("table", LASTING)
def test_rows_of_lasting_tables_are_not_deleted(owner: Person, table: str):
    assert "permission denied" in outcome(f"DELETE FROM {table}")


def columns(table: str) -> dict[str, str]:
    """{name: type}, as the tables' owner sees them."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s",
            [table],
        )
        return dict(cursor.fetchall())


def test_every_column_of_users_is_changed_only_as_declared(owner: Person, operator: User):
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE users SET email_verified_at = now() WHERE id = %s", [operator.pk])
    may_change: dict[str, set[str]] = {"operator": set(), "other": set()}
    for column, kind in columns("users").items():
        value = OTHER_VALUES[kind].format(column=column)
        for who, user in (("operator", operator), ("other", owner.user)):
            found = outcome(f"UPDATE users SET {column} = {value} WHERE id = '{user.pk}'")
            assert found == "1" or any(refusal in found for refusal in REFUSED), (column, found)
            if found == "1":
                may_change[who].add(column)
    own = {"last_login", "sessions_ended_at"}
    assert may_change == {"operator": own, "other": set(PRIVILEGES["users"].update or ())}


def test_nobody_takes_the_place_of_an_operator(owner: Person, operator: User):
    assert "permission denied" in outcome(SWAP.format(own=owner.user.pk, operator=operator.pk))
    upsert = "INSERT INTO users SELECT * FROM users WHERE id = '{}' ON CONFLICT (email) DO UPDATE SET {}"
    for change in ("id = gen_random_uuid()", "is_superuser = false"):
        assert "permission denied" in outcome(upsert.format(operator.pk, change))
    for change in ("email = 'x' || excluded.email", "is_active = false", "name = 'Eve'"):
        assert "only the owner" in outcome(upsert.format(operator.pk, change))
    for user in (operator, owner.user):
        assert authenticate(username=user.email, password="correct horse battery staple") == user


def test_privileges_on_tables_without_a_tenant_are_those_declared(database: None):
    """Of every such table: a new one may be written to only if its app says nothing else."""
    granted = {table.name: set(table.grants) for table in pg_catalog.read().tables}
    for table in {*check.shared_tables(), *PRIVILEGES}:
        every = {"SELECT", "INSERT", "DELETE", *(f"UPDATE ({column})" for column in columns(table))}
        allowed = PRIVILEGES.get(table, Privileges())
        assert granted[table] == {privilege for privilege in every if allowed.include(privilege)}, table


@pytest.mark.parametrize("sql", OTHERS)
def test_application_cannot_raise_its_own_rights(owner: Person, operator: User, sql: str):
    assert any(refusal in outcome(sql) for refusal in REFUSED)


def test_application_cannot_sign_in_as_an_operator(operator: User):
    with pytest.raises(ProgrammingError, match="password of an operator"):
        passwords.store(operator.pk, passwords.hash_password("a password of the attacker's"))
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT encoded FROM password_hashes WHERE user_id = %s", [operator.pk])
        (stored,) = cursor.fetchone()
    with pytest.raises(ProgrammingError, match="password of an operator"):
        passwords.store(operator.pk, passwords.hash_password("a password of the attacker's"), proof=stored)
    operator.set_password("a password of the attacker's")
    with pytest.raises(ProgrammingError, match="password of an operator"):
        operator.save()
    assert authenticate(username=operator.email, password="a password of the attacker's") is None
    actor = PlatformActor(kind=ActorKind.OPERATOR, credential="session", user_id=operator.pk)
    with pytest.raises(ProgrammingError, match="password of an operator"):
        change_password(actor=actor, user=operator, present="a guess", new="a password of the attacker's")
    change_password(
        actor=actor, user=operator, present="correct horse battery staple", new="their own new one"
    )
    assert authenticate(username=operator.email, password="their own new one")


def test_hash_of_a_password_is_only_compared(owner: Person):
    with connection.cursor() as cursor:
        cursor.execute("SELECT oyl_password_parameters(%s)", [owner.user.pk])
        (parameters,) = cursor.fetchone()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT encoded FROM password_hashes WHERE user_id = %s", [owner.user.pk])
        (encoded,) = cursor.fetchone()
    assert encoded.startswith(parameters) and encoded.rpartition("$")[0] + "$" == parameters
    with connection.cursor() as cursor:
        cursor.execute("SELECT oyl_password_matches(%s, %s)", [owner.user.pk, encoded])
        assert cursor.fetchone() == (False,)
    assert passwords.matches(owner.user.pk, owner.password)
    assert not passwords.matches(owner.user.pk, "another one")
    assert not passwords.matches(None, owner.password)


def test_saving_an_outdated_user_does_not_revive_their_sessions(owner: Person):
    client, outdated = owner.client, User.objects.get(pk=owner.user.pk)
    owner.user.set_password("another correct horse")
    owner.user.save()
    outdated.name = "Ada"
    outdated.save()
    assert client.get("/admin/").status_code == 302
    assert authenticate(username=owner.user.email, password="another correct horse")


def test_links_and_sessions_end_with_the_password(owner: Person):
    client, token = owner.client, default_token_generator.make_token(owner.user)
    assert default_token_generator.check_token(User.objects.get(pk=owner.user.pk), token)
    owner.user.set_unusable_password()
    owner.user.save()
    assert not default_token_generator.check_token(User.objects.get(pk=owner.user.pk), token)
    assert client.get("/admin/").status_code == 302
    assert authenticate(username=owner.user.email, password=owner.password) is None


def test_sessions_live_until_they_end(owner: Person):
    client = owner.client
    key = client.session.session_key
    store = import_module(settings.SESSION_ENGINE).SessionStore
    assert store().exists(key) and client.get("/admin/").status_code == 200
    client.post("/admin/logout/")
    assert not store().exists(key) and store(key).load() == {}
    expired = store()
    expired.set_expiry(-1)
    expired.create()
    assert store(expired.session_key).load() == {}
    assert delete_expired_sessions() >= 1 and not store().exists(expired.session_key)


def test_arguments_of_functions_are_not_in_the_statement(database: None):
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION wild_function(a text, b int) RETURNS text LANGUAGE sql AS 'SELECT current_query()'"
        )
        try:
            assert call_function("wild_function", "a secret", None) == "SELECT wild_function($1, $2)"
        finally:
            cursor.execute("DROP FUNCTION wild_function")
    with pytest.raises(ProgrammingError, match="does not exist"):
        call_function("wild_function", "a secret", None)


def test_privileges_beside_those_on_tables_are_found(database: None):
    name = connection.settings_dict["NAME"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'GRANT TEMPORARY ON DATABASE "{name}" TO oyl_app')
        try:
            assert [(one.rule, one.where) for one in check.check()] == [("grant", "oyl_app")]
        finally:
            cursor.execute(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM oyl_app')
        cursor.execute("ALTER TABLE users DISABLE TRIGGER operators")
        try:
            assert [(one.rule, one.where) for one in check.check()] == [("guard", "users.operators")]
        finally:
            cursor.execute("ALTER TABLE users ENABLE TRIGGER operators")
    assert check.check() == []


@pytest.mark.parametrize(
    ("table", "privilege"),
    [
        (table, privilege)
        for table, allowed in PRIVILEGES.items()
        for privilege in ("SELECT", "INSERT", "UPDATE ({})", "UPDATE", "DELETE")
        if not allowed.include(privilege)
    ],
)
def test_privilege_that_is_not_declared_is_found(database: None, table: str, privilege: str):
    column = min(set(columns(table)) - set(PRIVILEGES[table].update or ()))
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"GRANT {privilege.format(column)} ON {table} TO oyl_app")
        (found,) = check.check()
        assert (found.rule, found.where) == ("grant", table)
        cursor.execute(found.detail.partition(": ")[2].removesuffix("."))  # what it tells to do
    assert check.check() == []


def test_forged_session_key_opens_nothing(owner: Person):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    assert client.get("/admin/").status_code == 302
