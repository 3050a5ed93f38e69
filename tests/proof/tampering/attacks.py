"""Eight kinds of tampering, each in several variants. An attack returns the first bad row that `verify` must report: its
number in the chain and its event, None where there is none any more."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from audit.models import AuditLog
from tests.proof.tampering.attacker import Attacker

FirstBadRow = tuple[int | None, UUID | None]
Attack = Callable[[Attacker, int], FirstBadRow]

# An SQL expression for each column of an event that differs from its value.
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


def edit_a_fact(attacker: Attacker, place: int) -> FirstBadRow:
    column = attacker.random.choice(list(OTHER_VALUES))
    attacker.run(
        f"UPDATE audit_logs SET {column} = {OTHER_VALUES[column]} WHERE id = %s", attacker.event(place)
    )
    return place, attacker.event(place)


def edit_all_facts(attacker: Attacker, place: int) -> FirstBadRow:
    changes = ", ".join(f"{column} = {value}" for column, value in OTHER_VALUES.items())
    attacker.run(f"UPDATE audit_logs SET {changes} WHERE id = %s", attacker.event(place))
    return place, attacker.event(place)


def edit_an_id(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.run("UPDATE audit_logs SET id = %s WHERE id = %s", attacker.new_id(), attacker.event(place))
    return place, attacker.event(place)


def edit_a_seal(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.run("UPDATE audit_seals SET seal = %s WHERE sequence = %s", attacker.forgery(), place)
    return place, attacker.event(place)


def edit_a_number(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.run("UPDATE audit_seals SET sequence = %s WHERE sequence = %s", attacker.end + 7, place)
    return place, None


def edit_what_is_sealed(attacker: Attacker, place: int) -> FirstBadRow:
    other = attacker.new_id()
    attacker.run("UPDATE audit_seals SET audit_log_id = %s WHERE sequence = %s", other, place)
    return place, other


def delete_the_event(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.drop(place, place, seals=False)
    return place, attacker.event(place)


def delete_the_seal(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.drop(place, place, events=False)
    return place, None


def delete_both(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.drop(place, place)
    return place, None


def delete_both_and_close_the_gap(attacker: Attacker, place: int) -> FirstBadRow:
    return drop_and_close_the_gap(attacker, place, place)


def insert_an_event(attacker: Attacker, place: int) -> FirstBadRow:
    return None, attacker.forge_event(place)


def insert_an_event_and_its_seal(attacker: Attacker, place: int) -> FirstBadRow:
    forged = attacker.forge_event(place)
    attacker.shift(place - 1, by=1)
    attacker.copy_seal(place + 1, sequence=place, audit_log_id=str(forged), seal=attacker.forgery())
    return place, forged


def insert_at_the_end(attacker: Attacker, place: int) -> FirstBadRow:
    forged = attacker.forge_event(place)
    attacker.copy_seal(place, sequence=attacker.end + 1, audit_log_id=str(forged), seal=attacker.forgery())
    return attacker.end + 1, forged


def insert_a_genuine_event_again(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.copy_event(place)
    return place, attacker.event(place)


def swap_numbers(attacker: Attacker, place: int) -> FirstBadRow:
    first, last = sorted((place, attacker.other_place(place)))
    attacker.run(
        "UPDATE audit_seals SET sequence = %s - sequence WHERE sequence IN (%s, %s)",
        first + last,
        first,
        last,
    )
    return first, attacker.event(last)


def swap_events_under_their_seals(attacker: Attacker, place: int) -> FirstBadRow:
    first, last = sorted((place, attacker.other_place(place)))
    attacker.run("UPDATE audit_seals SET audit_log_id = %s WHERE sequence = %s", attacker.event(last), first)
    attacker.run("UPDATE audit_seals SET audit_log_id = %s WHERE sequence = %s", attacker.event(first), last)
    return first, attacker.event(last)


def swap_facts(attacker: Attacker, place: int) -> FirstBadRow:
    first, last = sorted((place, attacker.other_place(place)))
    columns = ", ".join(f"{column} = b.{column}" for column in OTHER_VALUES)
    attacker.run(
        f"UPDATE audit_logs a SET {columns} FROM audit_logs b WHERE (a.id, b.id) IN ((%s, %s), (%s, %s))",
        *(attacker.event(first), attacker.event(last), attacker.event(last), attacker.event(first)),
    )
    return first, attacker.event(first)


def reverse_a_range(attacker: Attacker, place: int) -> FirstBadRow:
    first, last = sorted((place, attacker.other_place(place)))
    attacker.run(
        "UPDATE audit_seals SET sequence = %s - sequence WHERE sequence BETWEEN %s AND %s",
        *(first + last, first, last),
    )
    return first, attacker.event(last)


def cut_events_and_seals(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.drop(place, attacker.end)
    return place, None


def cut_events(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.drop(place, attacker.end, seals=False)
    return place, attacker.event(place)


def cut_seals(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.drop(place, attacker.end, events=False)
    return place, None


def fork_with_the_same_event(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.copy_seal(place)
    return place, attacker.event(place)


def fork_with_another_event(attacker: Attacker, place: int) -> FirstBadRow:
    other = attacker.event(attacker.other_place(place))
    attacker.copy_seal(place, audit_log_id=str(other), seal=attacker.forgery())
    return place, other


def fork_from_here_on(attacker: Attacker, place: int) -> FirstBadRow:
    """Replace the rest of the chain by another branch."""
    attacker.run("UPDATE audit_seals SET seal = md5(seal) || md5(reverse(seal)) WHERE sequence >= %s", place)
    return place, attacker.event(place)


def back_date_an_event(attacker: Attacker, place: int) -> FirstBadRow:
    earlier = "created_at - make_interval(secs => %s)"
    attacker.run(
        f"UPDATE audit_logs SET created_at = {earlier} WHERE id = %s",
        *random_seconds(attacker),
        attacker.event(place),
    )
    return place, attacker.event(place)


def back_date_everything_before(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.run(
        "UPDATE audit_logs SET created_at = created_at - make_interval(secs => %s), digest = %s WHERE id = ANY(%s)",
        *(*random_seconds(attacker), attacker.forgery(), list(attacker.chain[:place])),
    )
    return 1, attacker.event(1)


def back_date_a_forgery(attacker: Attacker, place: int) -> FirstBadRow:
    attacker.cursor.execute(
        "SELECT created_at - make_interval(secs => %s) FROM audit_logs WHERE id = %s",
        [*random_seconds(attacker), attacker.event(place)],
    )
    (earlier,) = attacker.cursor.fetchone()
    return None, attacker.forge_event(place, created_at=earlier.isoformat())


def random_seconds(attacker: Attacker) -> tuple[float]:
    """Return one microsecond to one month, as the only value of a tuple of parameters."""
    return (10 ** attacker.random.uniform(-6, 6.4),)


def drop_a_range(attacker: Attacker, place: int) -> FirstBadRow:
    first, last = sorted((place, attacker.other_place(place)))
    attacker.drop(first, last)
    return first, None


def drop_a_range_of_events(attacker: Attacker, place: int) -> FirstBadRow:
    first, last = sorted((place, attacker.other_place(place)))
    attacker.drop(first, last, seals=False)
    return first, attacker.event(first)


def drop_a_range_of_seals(attacker: Attacker, place: int) -> FirstBadRow:
    first, last = sorted((place, attacker.other_place(place)))
    attacker.drop(first, last, events=False)
    return first, None


def drop_a_range_and_close_the_gap(attacker: Attacker, place: int) -> FirstBadRow:
    return drop_and_close_the_gap(attacker, *sorted((place, attacker.other_place(place))))


def drop_everything(attacker: Attacker, place: int) -> FirstBadRow:
    """As if the partition of the tables were dropped."""
    attacker.drop(1, attacker.end)
    return 1, None


def drop_and_close_the_gap(attacker: Attacker, first: int, last: int) -> FirstBadRow:
    attacker.drop(first, last)
    attacker.shift(last, by=first - last - 1)
    return first, attacker.event(last + 1) if last < attacker.end else None


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
