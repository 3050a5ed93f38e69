"""Eight kinds of tampering, each in several ways. An attack at a place says which row is the first bad one:
its number in the chain and its event, as far as there still is one."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from audit.models import AuditLog
from tests.proof.tampering.attacker import Attacker

FirstBad = tuple[int | None, UUID | None]
Attack = Callable[[Attacker, int], FirstBad]

# Another value for each column of an event, whatever is there; a new column has to come in here.
OTHER_VALUES = {
    "workspace_id": "gen_random_uuid()",
    "user_id": "gen_random_uuid()",
    "action": "left(action, 60) || '.not'",
    "object_type": "left(object_type, 60) || 's'",
    "object_id": "gen_random_uuid()",
    "payload_json": "payload_json || '{\"n\": null}'",
    "created_at": "created_at + interval '1 microsecond'",
    "digest": "reverse(digest)",
}
assert OTHER_VALUES.keys() == {f.attname for f in AuditLog._meta.concrete_fields} - {"id", "tenant_id"}


def edit_a_fact(at: Attacker, place: int) -> FirstBad:
    column = at.random.choice(list(OTHER_VALUES))
    at.run(f"UPDATE audit_logs SET {column} = {OTHER_VALUES[column]} WHERE id = %s", at.event(place))
    return place, at.event(place)


def edit_all_facts(at: Attacker, place: int) -> FirstBad:
    changes = ", ".join(f"{column} = {value}" for column, value in OTHER_VALUES.items())
    at.run(f"UPDATE audit_logs SET {changes} WHERE id = %s", at.event(place))
    return place, at.event(place)


def edit_an_id(at: Attacker, place: int) -> FirstBad:
    at.run("UPDATE audit_logs SET id = %s WHERE id = %s", at.new_id(), at.event(place))
    return place, at.event(place)


def edit_a_seal(at: Attacker, place: int) -> FirstBad:
    at.run("UPDATE audit_seals SET seal = %s WHERE sequence = %s", at.forgery(), place)
    return place, at.event(place)


def edit_a_number(at: Attacker, place: int) -> FirstBad:
    at.run("UPDATE audit_seals SET sequence = %s WHERE sequence = %s", at.end + 7, place)
    return place, None


def edit_what_is_sealed(at: Attacker, place: int) -> FirstBad:
    other = at.new_id()
    at.run("UPDATE audit_seals SET audit_log_id = %s WHERE sequence = %s", other, place)
    return place, other


def delete_the_event(at: Attacker, place: int) -> FirstBad:
    at.drop(place, place, seals=False)
    return place, at.event(place)


def delete_the_seal(at: Attacker, place: int) -> FirstBad:
    at.drop(place, place, events=False)
    return place, None


def delete_both(at: Attacker, place: int) -> FirstBad:
    at.drop(place, place)
    return place, None


def delete_both_and_close_the_gap(at: Attacker, place: int) -> FirstBad:
    return drop_and_close_the_gap(at, place, place)


def insert_an_event(at: Attacker, place: int) -> FirstBad:
    return None, at.forge_event(place)


def insert_an_event_and_its_seal(at: Attacker, place: int) -> FirstBad:
    forged = at.forge_event(place)
    at.shift(place - 1, by=1)
    at.copy_seal(place + 1, sequence=place, audit_log_id=str(forged), seal=at.forgery())
    return place, forged


def insert_at_the_end(at: Attacker, place: int) -> FirstBad:
    forged = at.forge_event(place)
    at.copy_seal(place, sequence=at.end + 1, audit_log_id=str(forged), seal=at.forgery())
    return at.end + 1, forged


def insert_a_genuine_event_again(at: Attacker, place: int) -> FirstBad:
    at.copy_event(place)
    return place, at.event(place)


def swap_numbers(at: Attacker, place: int) -> FirstBad:
    first, last = sorted((place, at.elsewhere(place)))
    at.run(
        "UPDATE audit_seals SET sequence = %s - sequence WHERE sequence IN (%s, %s)",
        first + last,
        first,
        last,
    )
    return first, at.event(last)


def swap_events_under_their_seals(at: Attacker, place: int) -> FirstBad:
    first, last = sorted((place, at.elsewhere(place)))
    at.run("UPDATE audit_seals SET audit_log_id = %s WHERE sequence = %s", at.event(last), first)
    at.run("UPDATE audit_seals SET audit_log_id = %s WHERE sequence = %s", at.event(first), last)
    return first, at.event(last)


def swap_facts(at: Attacker, place: int) -> FirstBad:
    first, last = sorted((place, at.elsewhere(place)))
    columns = ", ".join(f"{column} = b.{column}" for column in OTHER_VALUES)
    at.run(
        f"UPDATE audit_logs a SET {columns} FROM audit_logs b WHERE (a.id, b.id) IN ((%s, %s), (%s, %s))",
        *(at.event(first), at.event(last), at.event(last), at.event(first)),
    )
    return first, at.event(first)


def reverse_a_range(at: Attacker, place: int) -> FirstBad:
    first, last = sorted((place, at.elsewhere(place)))
    at.run(
        "UPDATE audit_seals SET sequence = %s - sequence WHERE sequence BETWEEN %s AND %s",
        *(first + last, first, last),
    )
    return first, at.event(last)


def cut_events_and_seals(at: Attacker, place: int) -> FirstBad:
    at.drop(place, at.end)
    return place, None


def cut_events(at: Attacker, place: int) -> FirstBad:
    at.drop(place, at.end, seals=False)
    return place, at.event(place)


def cut_seals(at: Attacker, place: int) -> FirstBad:
    at.drop(place, at.end, events=False)
    return place, None


def fork_with_the_same_event(at: Attacker, place: int) -> FirstBad:
    at.copy_seal(place)
    return place, at.event(place)


def fork_with_another_event(at: Attacker, place: int) -> FirstBad:
    other = at.event(at.elsewhere(place))
    at.copy_seal(place, audit_log_id=str(other), seal=at.forgery())
    return place, other


def fork_from_here_on(at: Attacker, place: int) -> FirstBad:
    """Another branch, in the genuine one's stead."""
    at.run("UPDATE audit_seals SET seal = md5(seal) || md5(reverse(seal)) WHERE sequence >= %s", place)
    return place, at.event(place)


def back_date_an_event(at: Attacker, place: int) -> FirstBad:
    earlier = "created_at - make_interval(secs => %s)"
    at.run(f"UPDATE audit_logs SET created_at = {earlier} WHERE id = %s", *_some_time(at), at.event(place))
    return place, at.event(place)


def back_date_everything_before(at: Attacker, place: int) -> FirstBad:
    at.run(
        "UPDATE audit_logs SET created_at = created_at - make_interval(secs => %s), digest = %s WHERE id = ANY(%s)",
        *(*_some_time(at), at.forgery(), list(at.chain[:place])),
    )
    return 1, at.event(1)


def back_date_a_forgery(at: Attacker, place: int) -> FirstBad:
    at.cursor.execute(
        "SELECT created_at - make_interval(secs => %s) FROM audit_logs WHERE id = %s",
        [*_some_time(at), at.event(place)],
    )
    (earlier,) = at.cursor.fetchone()
    return None, at.forge_event(place, created_at=earlier.isoformat())


def _some_time(at: Attacker) -> tuple[float]:
    """From a microsecond to a month."""
    return (10 ** at.random.uniform(-6, 6.4),)


def drop_a_range(at: Attacker, place: int) -> FirstBad:
    first, last = sorted((place, at.elsewhere(place)))
    at.drop(first, last)
    return first, None


def drop_a_range_of_events(at: Attacker, place: int) -> FirstBad:
    first, last = sorted((place, at.elsewhere(place)))
    at.drop(first, last, seals=False)
    return first, at.event(first)


def drop_a_range_of_seals(at: Attacker, place: int) -> FirstBad:
    first, last = sorted((place, at.elsewhere(place)))
    at.drop(first, last, events=False)
    return first, None


def drop_a_range_and_close_the_gap(at: Attacker, place: int) -> FirstBad:
    return drop_and_close_the_gap(at, *sorted((place, at.elsewhere(place))))


def drop_everything(at: Attacker, place: int) -> FirstBad:
    """As dropping the tables' partition would."""
    at.drop(1, at.end)
    return 1, None


def drop_and_close_the_gap(at: Attacker, first: int, last: int) -> FirstBad:
    at.drop(first, last)
    at.shift(last, by=first - last - 1)
    return first, at.event(last + 1) if last < at.end else None


KINDS: dict[str, tuple[Attack, ...]] = {
    "edit": (edit_a_fact, edit_all_facts, edit_an_id, edit_a_seal, edit_a_number, edit_what_is_sealed),
    "delete": (delete_the_event, delete_the_seal, delete_both, delete_both_and_close_the_gap),
    "insert": (
        insert_an_event,
        insert_an_event_and_its_seal,
        insert_at_the_end,
        insert_a_genuine_event_again,
    ),
    "reorder": (swap_numbers, swap_events_under_their_seals, swap_facts, reverse_a_range),
    "cut the tail": (cut_events_and_seals, cut_events, cut_seals),
    "fork": (fork_with_the_same_event, fork_with_another_event, fork_from_here_on),
    "back-date": (back_date_an_event, back_date_everything_before, back_date_a_forgery),
    "drop a range": (
        drop_a_range,
        drop_a_range_of_events,
        drop_a_range_of_seals,
        drop_a_range_and_close_the_gap,
        drop_everything,
    ),
}
