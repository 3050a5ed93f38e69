"""Calendars (iCalendar): events and tasks, with what, when and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from engines.parsing import Element, ParsedDocument
from engines.parsing.element_builders import paragraph, title
from engines.parsing.job import Job
from engines.parsing.mail.content_lines import Property, properties
from engines.parsing.markup.html import elements as html_elements
from engines.parsing.texts.text import elements as text_elements
from engines.parsing.texts.text import load

_ENTRIES = ("VEVENT", "VTODO", "VJOURNAL")
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_INTERVALS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour"}
_DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
_MAX_PEOPLE = 10
_DAY, _MINUTE = "%Y-%m-%d", "%Y-%m-%d %H:%M"


def read(job: Job) -> ParsedDocument:
    return ParsedDocument(mime_type=job.mime_type, elements=tuple(elements(load(job))))


def elements(text: str, level: int = 1) -> Iterator[Element]:
    """Yield each entry's name as a title, its facts, and what it says."""
    is_cancelled = bool(re.search(r"(?im)^METHOD:CANCEL\s*$", text))
    for entry in _entries(text):
        found = {one.name: one for one in reversed(entry)}
        name = found["SUMMARY"].text if "SUMMARY" in found else ""
        if name:
            yield title(name, level)
        if facts := list(_facts(entry, found, is_cancelled=is_cancelled)):
            yield paragraph("\n".join(f"{label}: {' '.join(value.split())}" for label, value in facts))
        description = found["DESCRIPTION"].text if "DESCRIPTION" in found else ""
        html = found["X-ALT-DESC"].text if "X-ALT-DESC" in found else ""
        yield from text_elements(description) if description or not html else html_elements(html)


def _entries(text: str) -> Iterator[list[Property]]:
    """Yield the properties of each entry, without those of the alarms inside."""
    stack: list[str] = []
    entry: list[Property] = []
    for one in properties(text):
        if one.name == "BEGIN":
            stack.append(one.value.strip().upper())
        elif one.name == "END" and stack:
            if stack.pop() in _ENTRIES:
                yield entry
                entry = []
        elif stack and stack[-1] in _ENTRIES:
            entry.append(one)


def _facts(
    entry: list[Property], found: dict[str, Property], *, is_cancelled: bool
) -> Iterator[tuple[str, str]]:
    """Yield what a calendar shows of an entry, each with a label."""
    if is_cancelled or ("STATUS" in found and found["STATUS"].value.upper() == "CANCELLED"):
        yield "Status", "cancelled"
    if when := _when(found):
        yield "When", when
    if "DUE" in found:
        yield "Due", _shown(found["DUE"])
    if "RRULE" in found:
        yield "Repeats", _repetition(found["RRULE"].value)
    for name, label in (("LOCATION", "Where"), ("URL", "Address"), ("CATEGORIES", "Categories")):
        if name in found and found[name].text:
            yield label, found[name].text
    if "ORGANIZER" in found:
        yield "Organizer", found["ORGANIZER"].person
    people = [one.person for one in entry if one.name == "ATTENDEE"]
    if people:
        more = len(people) - _MAX_PEOPLE
        yield "Attendees", ", ".join(people[:_MAX_PEOPLE]) + (f" and {more} more" if more > 0 else "")


def _when(found: dict[str, Property]) -> str:
    """Return when an event is: without the day twice, and with the time zone at the end."""
    start_property = found.get("DTSTART")
    start = start_property and _parse(start_property.value)
    if not start_property or not start:
        return start_property.value if start_property else ""
    text, end = _shown(start_property), _end(start, found)
    if end and end > start:
        pattern = "%H:%M" if end.date() == start.date() else _pattern(start_property.value)
        text += f" to {end.strftime(pattern)}"
    zone = "UTC" if start_property.value.endswith("Z") else start_property.options.get("TZID", "")
    return f"{text} ({zone})" if zone else text


def _end(start: datetime, found: dict[str, Property]) -> datetime | None:
    """Return when it ends. A whole day ends on itself, not on the next one."""
    if "DTEND" in found:
        end = _parse(found["DTEND"].value)
        return end - timedelta(days=1) if end and _pattern(found["DTEND"].value) == _DAY else end
    match = _DURATION.fullmatch(found["DURATION"].value) if "DURATION" in found else None
    if not match:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return start + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _shown(moment: Property) -> str:
    parsed = _parse(moment.value)
    return parsed.strftime(_pattern(moment.value)) if parsed else moment.value


def _pattern(value: str) -> str:
    return _MINUTE if "T" in value else _DAY


def _parse(value: str) -> datetime | None:
    for form in ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        with suppress(ValueError):
            return datetime.strptime(value.strip().rstrip("Z"), form)
    return None


def _repetition(rule: str) -> str:
    """Return a rule such as FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=10 in words."""
    parts = dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)
    interval, unit = parts.get("INTERVAL", "1"), _INTERVALS.get(parts.get("FREQ", ""), "")
    if not unit:
        return rule
    text = f"every {unit}" if interval == "1" else f"every {interval} {unit}s"
    if days := [_DAYS[day] for day in parts.get("BYDAY", "").split(",") if day in _DAYS]:
        text += f" on {', '.join(days)}"
    if "UNTIL" in parts:
        text += f" until {_shown(Property('UNTIL', {}, parts['UNTIL']))}"
    return f"{text}, {parts['COUNT']} times" if "COUNT" in parts else text
